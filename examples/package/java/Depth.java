import depthbench.network.DepthNetwork;
import depthbench.network.Frame;
import depthbench.network.Port;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;

/**
 * Depth of a picture: java Depth IMAGE.ppm DEPTH.pfm
 *
 * <p>Put the name of your network in place of {@code network} in the imports. Give the JVM the
 * folder of the library: {@code -Djava.library.path=PACKAGE/lib}.
 */
public final class Depth {
  public static void main(String[] arguments) throws IOException {
    if (arguments.length != 2) {
      throw new IllegalArgumentException("usage: java Depth IMAGE.ppm DEPTH.pfm");
    }
    Port port = DepthNetwork.depth();
    long[] shape = port.shape();
    int height = (int) shape[shape.length - 2];
    int width = (int) shape[shape.length - 1];
    FloatBuffer map = port.allocate().asFloatBuffer();
    try (DepthNetwork network = new DepthNetwork()) {
      network.runFrame(readPpm(Paths.get(arguments[0])), map);
    }
    writePfm(Paths.get(arguments[1]), map, width, height);
    float middle = map.get(height / 2 * width + width / 2);
    System.out.println("in the middle: " + middle + " " + port.unit());
  }

  /** A binary PPM file as red, green, blue, alpha. */
  private static Frame readPpm(Path path) throws IOException {
    try (DataInputStream file = new DataInputStream(Files.newInputStream(path))) {
      String magic = word(file);
      int width = Integer.parseInt(word(file));
      int height = Integer.parseInt(word(file));
      if (!magic.equals("P6") || !word(file).equals("255")) {
        throw new IOException(path + " is no binary PPM");
      }
      byte[] rgba = new byte[4 * width * height];
      for (int i = 0; i < rgba.length; i += 4) {
        file.readFully(rgba, i, 3);
      }
      return Frame.rgba(width, height, 0, rgba);
    }
  }

  private static String word(DataInputStream file) throws IOException {
    StringBuilder word = new StringBuilder();
    for (char next = (char) file.readByte(); next > ' '; next = (char) file.readByte()) {
      word.append(next);
    }
    return word.toString();
  }

  /** Floats as a PFM file, whose first row is the lowest. */
  private static void writePfm(Path path, FloatBuffer map, int width, int height)
      throws IOException {
    ByteBuffer row = ByteBuffer.allocate(width * Float.BYTES).order(map.order());
    try (OutputStream file = Files.newOutputStream(path)) {
      file.write(("Pf\n" + width + " " + height + "\n-1\n").getBytes(StandardCharsets.US_ASCII));
      for (int y = height - 1; y >= 0; y--) {
        for (int x = 0; x < width; x++) {
          row.putFloat(x * Float.BYTES, map.get(y * width + x));
        }
        file.write(row.array());
      }
    }
  }
}
