package depthbench.network;

import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import java.nio.ShortBuffer;

/** The bytes from a direct buffer's position to its limit. */
final class Memory {
  final Buffer buffer;
  final long offset;
  final long bytes;

  private Memory(Buffer buffer, int size) {
    this.buffer = buffer;
    offset = (long) buffer.position() * size;
    bytes = (long) buffer.remaining() * size;
  }

  /** Raises BadBuffer where a network cannot compute in the buffer. */
  static Memory of(Buffer buffer, String what, ElementType type, boolean written) {
    if (buffer == null) {
      throw new DepthException.BadArgument(what + ": the buffer is null");
    }
    if (!buffer.isDirect()) {
      throw new DepthException.BadBuffer(what + ": not a direct buffer; use allocateDirect");
    }
    if (written && buffer.isReadOnly()) {
      throw new DepthException.BadBuffer(what + ": the buffer is read-only");
    }
    if (!type.fits(buffer)) {
      throw new DepthException.BadBuffer(what + ": the buffer does not hold " + type);
    }
    if (type.bytes() > 1 && order(buffer) != ByteOrder.nativeOrder()) {
      throw new DepthException.BadBuffer(
          what + ": not in the processor's byte order; use order(ByteOrder.nativeOrder())");
    }
    return new Memory(buffer, buffer instanceof ByteBuffer ? 1 : type.bytes());
  }

  private static ByteOrder order(Buffer buffer) {
    if (buffer instanceof ByteBuffer) {
      return ((ByteBuffer) buffer).order();
    }
    if (buffer instanceof FloatBuffer) {
      return ((FloatBuffer) buffer).order();
    }
    if (buffer instanceof DoubleBuffer) {
      return ((DoubleBuffer) buffer).order();
    }
    if (buffer instanceof ShortBuffer) {
      return ((ShortBuffer) buffer).order();
    }
    return buffer instanceof IntBuffer
        ? ((IntBuffer) buffer).order()
        : ((LongBuffer) buffer).order();
  }
}
