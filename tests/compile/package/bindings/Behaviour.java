import depthbench.small_net.DepthException;
import depthbench.small_net.DepthNetwork;
import depthbench.small_net.Frame;
import depthbench.small_net.Port;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.concurrent.atomic.AtomicInteger;

/** Prints what a package's Java classes do: java Behaviour INPUT.f32 FRAME.rgba OUTPUTS.f32. */
public final class Behaviour {
  private static final int WIDTH = 48;
  private static final int HEIGHT = 32;
  private static final double FOCAL = 1.25; // plain_image.py
  private static final Port INPUT = DepthNetwork.inputs()[0];
  private static final Port DEPTH = DepthNetwork.depth();

  public static void main(String[] files) throws Exception {
    say("input", INPUT.name() + " " + INPUT.type() + " " + INPUT.bytes() + " " + INPUT.unit());
    say("depth", DEPTH.name() + " " + DEPTH.shape().length + " " + DEPTH.unit());
    say("manifest", DepthNetwork.manifest());
    ByteBuffer input = INPUT.allocate();
    input.put(Files.readAllBytes(Paths.get(files[0])));
    input.flip();
    byte[] rgba = Files.readAllBytes(Paths.get(files[1]));
    maps(input, rgba, files[2]);
    refusals(input, rgba);
    threads(input);
  }

  /** The same map in four ways, one behind the other in a file. */
  private static void maps(ByteBuffer input, byte[] rgba, String file) throws Exception {
    ByteBuffer all = ByteBuffer.allocateDirect(4 * (int) DEPTH.bytes()).order(input.order());
    ByteBuffer direct = ByteBuffer.allocateDirect(rgba.length + 5);
    direct.position(5);
    direct.put(rgba);
    direct.position(5);
    try (DepthNetwork network = new DepthNetwork(1)) {
      network.run(input, part(all, 0));
      network.run(input.asFloatBuffer(), part(all, 1).asFloatBuffer());
      network.runFrame(Frame.rgba(WIDTH, HEIGHT, 0, rgba), part(all, 2).asFloatBuffer());
      Frame frame = Frame.rgba(WIDTH, HEIGHT, 0, direct, 4 * WIDTH);
      network.runFrame(frame, part(all, 3).asFloatBuffer());
      say("timed", network.lastTimes()[0] > 0 && network.lastTimes()[1] > 0);
      FloatBuffer farther = DepthNetwork.depth().allocate().asFloatBuffer();
      double focal = 2 * FOCAL * Math.sqrt(WIDTH * HEIGHT);
      network.setCamera(focal, focal);
      network.runFrame(frame, farther);
      say("farther", farther.get(0) / part(all, 3).asFloatBuffer().get(0));
      double[] times = network.benchmark(2, 20);
      say("runs", times.length);
      say("record", network.record(2, times));
      say("position", input.position() + " " + direct.position());
    }
    byte[] bytes = new byte[all.capacity()];
    all.get(bytes);
    Files.write(Paths.get(file), bytes);
  }

  private static ByteBuffer part(ByteBuffer all, int place) {
    ByteBuffer copy = all.duplicate();
    copy.position(place * (int) DEPTH.bytes());
    copy.limit((place + 1) * (int) DEPTH.bytes());
    return copy.slice().order(all.order());
  }

  private static void refusals(ByteBuffer input, byte[] rgba) {
    ByteBuffer map = DEPTH.allocate();
    FloatBuffer floats = map.asFloatBuffer();
    DepthNetwork network = new DepthNetwork();
    refused("camera", () -> network.setCamera(-1, 1));
    refused("threads", () -> new DepthNetwork(-1));
    refused("cores", () -> new DepthNetwork(2, new int[] {100_000, 100_001}, null));
    refused("null input", () -> network.run(null, map));
    refused("no buffers", () -> network.run(new Buffer[0], new Buffer[] {map}));
    refused("heap", () -> network.run(FloatBuffer.allocate(3 * WIDTH * HEIGHT), map));
    refused("read-only", () -> network.run(input, map.asReadOnlyBuffer().order(map.order())));
    refused("big endian", () -> network.run(input.duplicate().order(ByteOrder.BIG_ENDIAN), map));
    DoubleBuffer doubles = input.asDoubleBuffer();
    refused("doubles", () -> network.run(doubles, map));
    ByteBuffer tail = input.duplicate().order(input.order());
    tail.position(4);
    refused("short", () -> network.run(tail, map));
    refused("null frame", () -> network.runFrame(null, floats));
    refused("null pixels", () -> Frame.rgba(WIDTH, HEIGHT, 0, null));
    refused("tall frame", () -> network.runFrame(Frame.rgba(WIDTH, 99, 0, rgba), floats));
    refused("vast frame", () -> network.runFrame(Frame.nv21(1 << 30, 1 << 30, 0, rgba), floats));
    refused("turned", () -> network.runFrame(Frame.rgba(WIDTH, HEIGHT, 45, rgba), floats));
    refused("negative runs", () -> network.benchmark(0, -1));
    refused("no times", () -> network.record(0, new double[0]));
    network.close();
    network.close();
    refused("closed", () -> network.run(input, map));
    refused("closed frame", () -> network.runFrame(Frame.rgba(WIDTH, HEIGHT, 0, rgba), floats));
    refused("closed benchmark", () -> network.benchmark(0, 1));
  }

  /** Two threads, a network each, and then one of both. */
  private static void threads(ByteBuffer input) throws Exception {
    FloatBuffer expected = DEPTH.allocate().asFloatBuffer();
    try (DepthNetwork network = new DepthNetwork()) {
      network.run(input, expected);
      say("apart", together(input, expected, new DepthNetwork(1), new DepthNetwork(2)) + " right");
      say("shared", together(input, expected, network, network) > 0);
    }
  }

  /** How many of 400 runs were not refused as busy; fails where a map is wrong. */
  private static int together(
      ByteBuffer input, FloatBuffer expected, DepthNetwork... networks) throws Exception {
    AtomicInteger done = new AtomicInteger();
    AtomicInteger wrong = new AtomicInteger();
    Thread[] threads = new Thread[networks.length];
    for (int i = 0; i < threads.length; i++) {
      DepthNetwork network = networks[i];
      FloatBuffer map = DEPTH.allocate().asFloatBuffer();
      threads[i] =
          new Thread(
              () -> {
                for (int run = 0; run < 200; run++) {
                  try {
                    network.run(input, map);
                    done.incrementAndGet();
                    wrong.addAndGet(map.equals(expected) ? 0 : 1);
                  } catch (DepthException.Busy busy) {
                    Thread.yield();
                  }
                }
              });
      threads[i].start();
    }
    for (Thread thread : threads) {
      thread.join();
    }
    for (DepthNetwork network : networks) {
      network.close();
    }
    if (wrong.get() > 0) {
      throw new AssertionError(wrong + " wrong maps");
    }
    return done.get();
  }

  private static void refused(String what, Runnable call) {
    try {
      call.run();
      say(what, "nothing");
    } catch (DepthException error) {
      say(what, error.getClass().getSimpleName() + " " + (error.getMessage().length() > 9));
    }
  }

  private static void say(String what, Object value) {
    System.out.println(what + ": " + value);
  }
}
