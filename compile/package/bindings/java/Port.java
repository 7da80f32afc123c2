package depthbench.network;

import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/** An input or output of the network. */
public final class Port {
  private static final int ALIGNMENT = 64;

  private final String name;
  private final ElementType type;
  private final long[] shape;
  private final long bytes;
  private final String unit;

  private Port(boolean outputs, int place) {
    byte[] utf8 = Native.portUnit(outputs, place);
    long[] layout = Native.portLayout(outputs, place);
    name = Native.text(Native.portName(outputs, place));
    type = ElementType.values()[(int) layout[0]];
    bytes = layout[1];
    shape = Arrays.copyOfRange(layout, 2, layout.length);
    unit = utf8 == null ? null : Native.text(utf8);
  }

  static Port[] all(boolean outputs) {
    Port[] ports = new Port[Native.portCount(outputs)];
    for (int place = 0; place < ports.length; place++) {
      ports[place] = new Port(outputs, place);
    }
    return ports;
  }

  /**
   * As the model names it.
   *
   * @return the name
   */
  public String name() {
    return name;
  }

  /**
   * What its elements are.
   *
   * @return the type
   */
  public ElementType type() {
    return type;
  }

  /**
   * Its dimensions, the slowest first: [1, 3, height, width] for an image by planes.
   *
   * @return a copy
   */
  public long[] shape() {
    return shape.clone();
  }

  /**
   * What a buffer for it must hold.
   *
   * @return bytes
   */
  public long bytes() {
    return bytes;
  }

  /**
   * The unit of depth.
   *
   * @return "m", "1/m", "" for relative depth, or null where the port is no depth
   */
  public String unit() {
    return unit;
  }

  /**
   * A buffer of zeros for it: direct, in the processor's byte order, and aligned so that the
   * network computes in it without a copy. Use it again for every run.
   *
   * @return a buffer; {@code asFloatBuffer()} gives its elements
   * @throws DepthException.BadBuffer where it would be over 2 GiB, which no buffer of Java holds
   */
  public ByteBuffer allocate() {
    if (bytes > Integer.MAX_VALUE - ALIGNMENT) {
      throw new DepthException.BadBuffer(name + ": " + bytes + " bytes, more than a buffer holds");
    }
    ByteBuffer memory = ByteBuffer.allocateDirect((int) bytes + ALIGNMENT);
    int start = (int) (-Native.address(memory) & (ALIGNMENT - 1));
    memory.position(start);
    memory.limit(start + (int) bytes);
    return memory.slice().order(ByteOrder.nativeOrder());
  }

  /** Where a user's buffer lies, checked; `written` by the network. */
  Memory memory(Buffer buffer, boolean written) {
    return Memory.of(buffer, name, type, written);
  }
}
