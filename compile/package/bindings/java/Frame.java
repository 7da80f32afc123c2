package depthbench.network;

import java.nio.Buffer;
import java.nio.ByteBuffer;

/**
 * A camera's frame where it lies in memory; nothing is copied until a network runs on it.
 *
 * <p>Rotation is the clockwise degrees that make the frame upright: 0, 90, 180 or 270, as
 * {@code ImageInfo.getRotationDegrees()} of CameraX says. YUV is full range, BT.601.
 */
public final class Frame {
  /** A plane of a frame, as {@code android.media.Image.Plane} describes it. */
  public static final class Plane {
    final ByteBuffer data;
    final int rowStride;
    final int pixelStride;

    /**
     * The bytes from the buffer's position to its limit.
     *
     * @param data a direct buffer
     * @param rowStride bytes from a row to the next
     * @param pixelStride bytes from a sample to the next in a row
     */
    public Plane(ByteBuffer data, int rowStride, int pixelStride) {
      this.data = data;
      this.rowStride = rowStride;
      this.pixelStride = pixelStride;
    }
  }

  private static final int RGBA_8888 = 1;
  private static final int NV21 = 2;
  private static final int YUV_420_888 = 3;
  private static final int PLANES = 3;

  /** As {@link Native#runFrame} takes it. */
  final int[] layout = new int[4 + 2 * PLANES];

  final Buffer[] planes = new Buffer[PLANES];
  final byte[] array;
  private final long[] places = new long[2 * PLANES + 2];

  private Frame(int format, int width, int height, int rotation, byte[] array) {
    layout[0] = format;
    layout[1] = width;
    layout[2] = height;
    layout[3] = rotation;
    this.array = array;
  }

  /**
   * Red, green, blue, alpha, a byte each; alpha is ignored.
   *
   * @param width pixels as they lie in memory
   * @param height pixels as they lie in memory
   * @param rotation clockwise degrees that make it upright
   * @param pixels a direct buffer, from its position on
   * @param rowStride bytes from a row to the next
   * @return the frame
   */
  public static Frame rgba(int width, int height, int rotation, ByteBuffer pixels, int rowStride) {
    Frame frame = new Frame(RGBA_8888, width, height, rotation, null);
    frame.plane(0, new Plane(pixels, rowStride, 4));
    return frame;
  }

  /**
   * Red, green, blue, alpha, a byte each, without gaps between rows; alpha is ignored.
   *
   * @param width pixels as they lie in memory
   * @param height pixels as they lie in memory
   * @param rotation clockwise degrees that make it upright
   * @param pixels 4 x width x height bytes
   * @return the frame
   */
  public static Frame rgba(int width, int height, int rotation, byte[] pixels) {
    Frame frame = new Frame(RGBA_8888, width, height, rotation, notNull(pixels));
    frame.part(0, 0, 4 * width, 4);
    return frame;
  }

  /**
   * A plane of Y, then one of V and U in turns at half the size, without gaps between rows.
   *
   * @param width pixels as they lie in memory, even
   * @param height pixels as they lie in memory, even
   * @param rotation clockwise degrees that make it upright
   * @param samples width x height x 3 / 2 bytes
   * @return the frame
   */
  public static Frame nv21(int width, int height, int rotation, byte[] samples) {
    Frame frame = new Frame(NV21, width, height, rotation, notNull(samples));
    frame.part(0, 0, width, 1);
    frame.part(1, (long) width * height, width, 2);
    return frame;
  }

  /**
   * A plane of Y, then one of V and U in turns at half the size, without gaps between rows.
   *
   * @param width pixels as they lie in memory, even
   * @param height pixels as they lie in memory, even
   * @param rotation clockwise degrees that make it upright
   * @param samples a direct buffer, from its position on
   * @return the frame
   */
  public static Frame nv21(int width, int height, int rotation, ByteBuffer samples) {
    Frame frame = new Frame(NV21, width, height, rotation, null);
    frame.plane(0, new Plane(samples, width, 1));
    frame.plane(1, new Plane(samples, width, 2));
    long chroma = Math.min((long) width * height, frame.places[3]);
    frame.places[2] += chroma;
    frame.places[3] -= chroma;
    return frame;
  }

  /**
   * {@code ImageFormat.YUV_420_888}: the three planes of an {@code android.media.Image}.
   *
   * @param width pixels as they lie in memory, even
   * @param height pixels as they lie in memory, even
   * @param rotation clockwise degrees that make it upright
   * @param y brightness
   * @param u blue difference, at half the size
   * @param v red difference, at half the size
   * @return the frame
   */
  public static Frame yuv420(int width, int height, int rotation, Plane y, Plane u, Plane v) {
    Frame frame = new Frame(YUV_420_888, width, height, rotation, null);
    frame.plane(0, y);
    frame.plane(1, u);
    frame.plane(2, v);
    return frame;
  }

  /** Offset and length of each plane and of the map. */
  long[] places(Memory map) {
    long[] all = places.clone();
    all[2 * PLANES] = map.offset;
    all[2 * PLANES + 1] = map.bytes;
    return all;
  }

  private void plane(int place, Plane plane) {
    if (plane == null) {
      throw new DepthException.BadArgument("plane " + place + " is null");
    }
    Memory memory = Memory.of(plane.data, "plane " + place, ElementType.UINT8, false);
    planes[place] = memory.buffer;
    places(place, memory.offset, memory.bytes, plane.rowStride, plane.pixelStride);
  }

  private void part(int place, long offset, int rowStride, int pixelStride) {
    long start = Math.max(0, Math.min(offset, array.length));
    places(place, start, array.length - start, rowStride, pixelStride);
  }

  private void places(int place, long offset, long bytes, int rowStride, int pixelStride) {
    places[2 * place] = offset;
    places[2 * place + 1] = bytes;
    layout[4 + 2 * place] = rowStride;
    layout[5 + 2 * place] = pixelStride;
  }

  private static byte[] notNull(byte[] array) {
    if (array == null) {
      throw new DepthException.BadArgument("the frame's array is null");
    }
    return array;
  }
}
