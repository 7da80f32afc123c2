package depthbench.network;

import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;

/**
 * The compiled network: an instance holds the memory and the threads of one run at a time.
 *
 * <pre>{@code
 * try (DepthNetwork network = new DepthNetwork(4)) {
 *   FloatBuffer map = DepthNetwork.depth().allocate().asFloatBuffer();
 *   network.runFrame(Frame.rgba(width, height, rotation, pixels, rowStride), map);
 * }
 * }</pre>
 *
 * <p>Different instances may run at the same time on different threads. A call on one that is
 * running throws {@link DepthException.Busy}. Nothing closes an instance but {@link #close}.
 *
 * <p>The first use loads the library {@code network} as {@code System.loadLibrary} finds it, unless
 * the program has loaded it by {@code System.load} before.
 */
public final class DepthNetwork implements AutoCloseable {
  private static final int BAD_BUFFER = 3;
  private static final Port[] INPUTS;
  private static final Port[] OUTPUTS;

  static {
    Native.load();
    INPUTS = Port.all(false);
    OUTPUTS = Port.all(true);
  }

  private final long handle;
  private boolean closed;

  /**
   * A network with as many threads as it was compiled for.
   *
   * @throws DepthException where it cannot be made
   */
  public DepthNetwork() {
    this(0);
  }

  /**
   * A network with threads of its own, asleep while nothing runs.
   *
   * @param threads how many compute, the caller's included; 0: as many as it was compiled for
   * @throws DepthException where it cannot be made
   */
  public DepthNetwork(int threads) {
    this(threads, null, null);
  }

  /**
   * A network with threads that stay on given cores.
   *
   * @param threads how many compute, the caller's included; 0: as many as it was compiled for
   * @param cpus numbers of the cores of thread 0, 1, ...; null: wherever the system puts them
   * @param weights path of the file of weights; null where the library holds them
   * @throws DepthException where it cannot be made
   */
  public DepthNetwork(int threads, int[] cpus, String weights) {
    long[] made = new long[1];
    byte[] path = weights == null ? null : (weights + '\0').getBytes(StandardCharsets.UTF_8);
    check(Native.create(made, threads, cpus, path), 0);
    handle = made[0];
  }

  /**
   * What the library was made from, as JSON: model, hashes, target, precision, card, tools.
   *
   * @return the manifest
   */
  public static String manifest() {
    return Native.text(Native.manifest());
  }

  /**
   * What the network takes, in the order of {@link #run}.
   *
   * @return a copy
   */
  public static Port[] inputs() {
    return INPUTS.clone();
  }

  /**
   * What the network gives, in the order of {@link #run}.
   *
   * @return a copy
   */
  public static Port[] outputs() {
    return OUTPUTS.clone();
  }

  /**
   * The output that is depth.
   *
   * @return the port that {@link #runFrame} fills a map of
   * @throws DepthException.NoImage where there is none
   */
  public static Port depth() {
    for (Port port : OUTPUTS) {
      if (port.unit() != null) {
        return port;
      }
    }
    throw new DepthException.NoImage("no output of the network is depth");
  }

  /**
   * One inference. Each buffer counts from its position to its limit, and keeps both.
   *
   * @param inputs a direct buffer for each input, of its elements or of bytes
   * @param outputs a direct buffer for each output, of its elements or of bytes
   * @throws DepthException.BadArgument where there are fewer or more buffers than ports
   * @throws DepthException.BadBuffer where a buffer is not what {@link Port#allocate} gives
   * @throws DepthException.Busy where another thread runs this network
   * @throws DepthException.Closed after {@link #close}
   */
  public void run(Buffer[] inputs, Buffer[] outputs) {
    int count = INPUTS.length + OUTPUTS.length;
    Buffer[] buffers = new Buffer[count];
    long[] places = new long[2 * count];
    place(INPUTS, inputs, 0, buffers, places);
    place(OUTPUTS, outputs, INPUTS.length, buffers, places);
    check(Native.run(handle, buffers, places), handle);
  }

  /**
   * One inference of a network of one input and one output.
   *
   * @param input a direct buffer, of the input's elements or of bytes
   * @param output a direct buffer, of the output's elements or of bytes
   * @throws DepthException as {@link #run(Buffer[], Buffer[])} does
   */
  public void run(Buffer input, Buffer output) {
    run(new Buffer[] {input}, new Buffer[] {output});
  }

  /**
   * A camera's frame: turned upright, resized and normalised as the network wants it, and run.
   *
   * @param frame the frame
   * @param map a direct buffer for the output {@link #depth}, in its size, upright
   * @throws DepthException.NoImage where the network does not take one image
   * @throws DepthException.BadArgument where size, rotation or strides cannot be
   * @throws DepthException.BadBuffer where a plane is too short, or the map
   * @throws DepthException.Busy where another thread runs this network
   * @throws DepthException.Closed after {@link #close}
   */
  public void runFrame(Frame frame, FloatBuffer map) {
    if (frame == null) {
      throw new DepthException.BadArgument("the frame is null");
    }
    Memory memory = Memory.of(map, "map", ElementType.FLOAT32, true);
    long[] places = frame.places(memory);
    check(Native.runFrame(handle, frame.layout, frame.planes, frame.array, map, places), handle);
  }

  /**
   * Says what camera takes the frames to come. A network that was calibrated at a focal length gives
   * the metres of that camera, and where it is not known those of the calibration's own; other
   * networks give what they give.
   *
   * @param focalX its focal length in pixels of a frame's width as it lies in memory; 0: not known
   * @param focalY the same of the height; 0: not known
   * @throws DepthException.BadArgument where one is negative, not finite, or alone 0
   * @throws DepthException.Busy where another thread runs this network
   * @throws DepthException.Closed after {@link #close}
   */
  public void setCamera(double focalX, double focalY) {
    check(Native.setCamera(handle, focalX, focalY), handle);
  }

  /**
   * What the last {@link #runFrame} took.
   *
   * @return milliseconds of the frame's conversion, and of the network
   * @throws DepthException.NoImage where no frame has been run
   * @throws DepthException.Busy where another thread runs this network
   * @throws DepthException.Closed after {@link #close}
   */
  public double[] lastTimes() {
    ByteBuffer times = times(2);
    check(Native.lastTimes(handle, times), handle);
    return new double[] {times.getDouble(0), times.getDouble(Double.BYTES)};
  }

  /**
   * Inferences of zeros, timed by the library itself.
   *
   * @param warmUp inferences before those that count
   * @param runs inferences that count
   * @return milliseconds of each
   * @throws DepthException.BadArgument where a number is negative
   * @throws DepthException.Busy where another thread runs this network
   * @throws DepthException.Closed after {@link #close}
   */
  public double[] benchmark(int warmUp, int runs) {
    ByteBuffer times = times(Math.max(runs, 1));
    check(Native.benchmark(handle, warmUp, runs, times), handle);
    double[] milliseconds = new double[runs];
    times.asDoubleBuffer().get(milliseconds);
    return milliseconds;
  }

  /**
   * A benchmark as one line for depthbench's records.jsonl, without the line's end.
   *
   * @param warmUp as {@link #benchmark} was asked
   * @param milliseconds what it returned
   * @return a JSON object
   * @throws DepthException.BadArgument where there are no times
   * @throws DepthException.Closed after {@link #close}
   */
  public String record(int warmUp, double[] milliseconds) {
    if (milliseconds == null) {
      throw new DepthException.BadArgument("the milliseconds are null");
    }
    int runs = milliseconds.length;
    ByteBuffer times = times(Math.max(runs, 1));
    times.asDoubleBuffer().put(milliseconds);
    long[] length = new long[1];
    ByteBuffer text = ByteBuffer.allocateDirect(1);
    int status = Native.record(handle, warmUp, runs, times, text, text.capacity(), length);
    if (status == BAD_BUFFER && length[0] >= text.capacity()) {
      text = ByteBuffer.allocateDirect((int) length[0] + 1);
      status = Native.record(handle, warmUp, runs, times, text, text.capacity(), length);
    }
    check(status, handle);
    byte[] utf8 = new byte[(int) length[0]];
    text.get(utf8);
    return Native.text(utf8);
  }

  /**
   * Gives memory and threads back; does nothing the second time.
   *
   * @throws DepthException.Busy where another thread runs this network, which stays open
   */
  @Override
  public synchronized void close() {
    if (!closed) {
      check(Native.destroy(handle), handle);
      closed = true;
    }
  }

  private static ByteBuffer times(int count) {
    if (count > Integer.MAX_VALUE / Double.BYTES) {
      throw new DepthException.BadArgument(count + " times are more than a buffer holds");
    }
    return ByteBuffer.allocateDirect(count * Double.BYTES).order(ByteOrder.nativeOrder());
  }

  private static void place(
      Port[] ports, Buffer[] given, int first, Buffer[] buffers, long[] places) {
    if (given == null || given.length != ports.length) {
      String count = given == null ? "null" : given.length + " buffers";
      throw new DepthException.BadArgument(count + " for " + ports.length + " ports");
    }
    for (int i = 0; i < ports.length; i++) {
      Memory memory = ports[i].memory(given[i], ports == OUTPUTS);
      buffers[first + i] = memory.buffer;
      places[2 * (first + i)] = memory.offset;
      places[2 * (first + i) + 1] = memory.bytes;
    }
  }

  private static void check(int status, long network) {
    if (status != 0) {
      throw DepthException.of(status, Native.text(Native.lastError(network)));
    }
  }
}
