import java.lang.ref.WeakReference;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.file.Paths;

/**
 * Packages whose classes come, are unloaded with a network left open, and come again:
 * java Unloading CLASSES NAME... prints what each said it was.
 */
public final class Unloading {
  private static final int PATIENCE = 200;

  public static void main(String[] arguments) throws Exception {
    URL[] classes = {Paths.get(arguments[0]).toUri().toURL()};
    for (int round = 0; round < 2; round++) {
      for (int i = 1; i < arguments.length; i++) {
        WeakReference<ClassLoader> loader = use(classes, arguments[i]);
        for (int tries = 0; loader.get() != null && tries < PATIENCE; tries++) {
          System.gc();
          Thread.sleep(5);
        }
        System.out.println(arguments[i] + (loader.get() == null ? " unloaded" : " stays"));
      }
    }
  }

  private static WeakReference<ClassLoader> use(URL[] classes, String name) throws Exception {
    try (URLClassLoader loader = new URLClassLoader(classes, null)) {
      Class<?> type = loader.loadClass("depthbench." + name + ".DepthNetwork");
      Object network = type.getConstructor(int.class).newInstance(2);
      Object[] inputs = (Object[]) type.getMethod("inputs").invoke(null);
      Object depth = type.getMethod("depth").invoke(null);
      Object input = inputs[0].getClass().getMethod("allocate").invoke(inputs[0]);
      Object map = depth.getClass().getMethod("allocate").invoke(depth);
      type.getMethod("run", Buffer.class, Buffer.class).invoke(network, input, map);
      String manifest = (String) type.getMethod("manifest").invoke(null);
      String model = manifest.replaceFirst(".*?\"name\": \"(.*?)\".*", "$1");
      System.out.println(name + " is " + model + ", " + ((ByteBuffer) map).capacity());
      return new WeakReference<>(loader);
    }
  }
}
