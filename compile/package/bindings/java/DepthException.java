package depthbench.network;

/** Why a call failed; a class for each status of {@code depth.h}. */
public class DepthException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final int status;

  private DepthException(int status, String message) {
    super(message);
    this.status = status;
  }

  /**
   * Which of {@code depth_status} it is.
   *
   * @return the number in {@code depth.h}
   */
  public int status() {
    return status;
  }

  static DepthException of(int status, String message) {
    switch (status) {
      case 1:
        return new BadArgument(message);
      case 2:
        return new Closed(message);
      case 3:
        return new BadBuffer(message);
      case 4:
        return new Busy(message);
      case 5:
        return new NoMemory(message);
      case 6:
        return new NoThread(message);
      case 7:
        return new NoWeights(message);
      case 8:
        return new NoImage(message);
      case 9:
        return new NoProcessor(message);
      default:
        return new Failed(status, message);
    }
  }

  /** An argument is null, negative or unknown. */
  public static final class BadArgument extends DepthException {
    private static final long serialVersionUID = 1L;

    BadArgument(String message) {
      super(1, message);
    }
  }

  /** The network was closed. */
  public static final class Closed extends DepthException {
    private static final long serialVersionUID = 1L;

    Closed(String message) {
      super(2, message);
    }
  }

  /** A buffer is too short, not direct, read-only, or of other elements. */
  public static final class BadBuffer extends DepthException {
    private static final long serialVersionUID = 1L;

    BadBuffer(String message) {
      super(3, message);
    }
  }

  /** Another thread is running this network. */
  public static final class Busy extends DepthException {
    private static final long serialVersionUID = 1L;

    Busy(String message) {
      super(4, message);
    }
  }

  /** There is not enough memory. */
  public static final class NoMemory extends DepthException {
    private static final long serialVersionUID = 1L;

    NoMemory(String message) {
      super(5, message);
    }
  }

  /** A thread could not be started, or not be pinned to its core. */
  public static final class NoThread extends DepthException {
    private static final long serialVersionUID = 1L;

    NoThread(String message) {
      super(6, message);
    }
  }

  /** The file of weights is missing, or another network's. */
  public static final class NoWeights extends DepthException {
    private static final long serialVersionUID = 1L;

    NoWeights(String message) {
      super(7, message);
    }
  }

  /** The network does not take one image and give a map of it. */
  public static final class NoImage extends DepthException {
    private static final long serialVersionUID = 1L;

    NoImage(String message) {
      super(8, message);
    }
  }

  /** The processor lacks instructions that the network was compiled for. */
  public static final class NoProcessor extends DepthException {
    private static final long serialVersionUID = 1L;

    NoProcessor(String message) {
      super(9, message);
    }
  }

  /** The network could not be computed. */
  public static final class Failed extends DepthException {
    private static final long serialVersionUID = 1L;

    Failed(int status, String message) {
      super(status, message);
    }
  }
}
