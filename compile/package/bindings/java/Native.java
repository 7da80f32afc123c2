package depthbench.network;

import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * The functions of depth.h, as jni.c registers them; text crosses as UTF-8. It initialises nothing:
 * loading the library looks the class up.
 */
final class Native {
  private Native() {}

  /** Loads the library, unless the app has: by System.load, from a path of its own. */
  static void load() {
    try {
      portCount(true);
    } catch (UnsatisfiedLinkError notYet) {
      System.loadLibrary("network");
    }
  }

  static String text(byte[] utf8) {
    return utf8 == null ? "" : new String(utf8, StandardCharsets.UTF_8);
  }

  static native byte[] manifest();

  static native byte[] lastError(long network);

  static native int portCount(boolean outputs);

  static native byte[] portName(boolean outputs, int place);

  /** Null where the port has none. */
  static native byte[] portUnit(boolean outputs, int place);

  /** Type, bytes, then the shape. */
  static native long[] portLayout(boolean outputs, int place);

  static native long address(ByteBuffer buffer);

  /** A new handle goes into network[0]; `weights` ends with a zero. */
  static native int create(long[] network, int threads, int[] cpus, byte[] weights);

  static native int destroy(long network);

  /** Inputs, then outputs; of each the offset and the length in bytes. */
  static native int run(long network, Buffer[] buffers, long[] places);

  /**
   * `layout` is format, width, height and rotation, then row and pixel stride of three planes;
   * `places` are the offset and the length of each plane and of the map. The planes lie in
   * `planes`, or all of them in `array`.
   */
  static native int runFrame(
      long network, int[] layout, Buffer[] planes, byte[] array, Buffer map, long[] places);

  static native int setCamera(long network, double focalX, double focalY);

  /** Milliseconds of conversion and of the network go into `times`, two doubles. */
  static native int lastTimes(long network, ByteBuffer times);

  static native int benchmark(long network, int warmUp, int runs, ByteBuffer milliseconds);

  /** The record's length goes into length[0], also where `text` is too short for it. */
  static native int record(
      long network,
      int warmUp,
      int runs,
      ByteBuffer milliseconds,
      ByteBuffer text,
      int capacity,
      long[] length);
}
