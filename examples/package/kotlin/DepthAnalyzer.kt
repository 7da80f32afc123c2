package app

import androidx.camera.core.ImageAnalysis
import androidx.camera.core.ImageProxy
import depthbench.network.DepthNetwork
import depthbench.network.Frame
import java.nio.FloatBuffer

/**
 * Depth of what the camera sees, for `ImageAnalysis.setAnalyzer`.
 *
 * Put the name of your network in place of `network` in the imports. [show] gets metres by rows; it
 * is called on the analyzer's thread and must not keep the buffer. ImageAnalysis drops frames that
 * come while one is computed (STRATEGY_KEEP_ONLY_LATEST, its default).
 */
class DepthAnalyzer(
    private val show: (map: FloatBuffer, width: Int, height: Int) -> Unit,
) : ImageAnalysis.Analyzer, AutoCloseable {
    private val network = DepthNetwork()
    private val shape = DepthNetwork.depth().shape()
    private val map = DepthNetwork.depth().allocate().asFloatBuffer()

    override fun analyze(image: ImageProxy) = image.use {
        val (y, u, v) = it.planes.map { plane ->
            Frame.Plane(plane.buffer, plane.rowStride, plane.pixelStride)
        }
        val rotation = it.imageInfo.rotationDegrees
        network.runFrame(Frame.yuv420(it.width, it.height, rotation, y, u, v), map)
        show(map, shape[shape.size - 1].toInt(), shape[shape.size - 2].toInt())
    }

    /** After the analyzer was taken from the camera: `ImageAnalysis.clearAnalyzer()`. */
    override fun close() = network.close()
}
