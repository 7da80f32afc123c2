package depthbench.network;

import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import java.nio.ShortBuffer;

/** What a port's elements are, in the order of {@code depth_type}. */
public enum ElementType {
  /** IEEE single precision. */
  FLOAT32(4, FloatBuffer.class),
  /** IEEE half precision, the bits of a short. */
  FLOAT16(2, ShortBuffer.class),
  /** IEEE double precision. */
  FLOAT64(8, DoubleBuffer.class),
  /** A byte that is 0 or 1. */
  BOOL(1, ByteBuffer.class),
  /** Signed. */
  INT8(1, ByteBuffer.class),
  /** Signed. */
  INT16(2, ShortBuffer.class),
  /** Signed. */
  INT32(4, IntBuffer.class),
  /** Signed. */
  INT64(8, LongBuffer.class),
  /** Unsigned. */
  UINT8(1, ByteBuffer.class),
  /** Unsigned. */
  UINT16(2, ShortBuffer.class),
  /** Unsigned. */
  UINT32(4, IntBuffer.class),
  /** Unsigned. */
  UINT64(8, LongBuffer.class);

  private final int bytes;
  private final Class<? extends Buffer> view;

  ElementType(int bytes, Class<? extends Buffer> view) {
    this.bytes = bytes;
    this.view = view;
  }

  /**
   * Its size.
   *
   * @return bytes of an element
   */
  public int bytes() {
    return bytes;
  }

  /** Whether a buffer holds such elements; a ByteBuffer holds any. */
  boolean fits(Buffer buffer) {
    return buffer instanceof ByteBuffer || view.isInstance(buffer);
  }
}
