/* The Java class `Native` of a package: depth.h by the Java Native Interface.
 *
 * Statuses go back as numbers; Java makes exceptions of them. No function holds an array of Java's
 * as critical, so a run never stops the garbage collector.
 */
#include "depth.h"
#include "java_interface.h"

#ifndef JAVA_CLASS
#define JAVA_CLASS "depthbench/network/Native"
#endif

enum { PLANES = 3, LAYOUT = 4 + 2 * PLANES };

static jbyteArray text(JNIEnv *java, const char *utf8) {
  jsize length = 0;
  jbyteArray array;
  if (!utf8) return 0;
  while (utf8[length]) length++;
  array = (*java)->NewByteArray(java, length);
  if (array)
    (*java)->SetByteArrayRegion(java, array, 0, length, (const jbyte *)utf8);
  else
    (*java)->ExceptionClear(java);
  return array;
}

/* The address within a direct buffer; null where there is no buffer. */
static void *address_in(JNIEnv *java, jobject buffer, jlong offset) {
  char *start = buffer ? (*java)->GetDirectBufferAddress(java, buffer) : 0;
  return start ? start + offset : 0;
}

static void *element_address(JNIEnv *java, jobjectArray buffers, jsize place, jlong offset) {
  jobject buffer = (*java)->GetObjectArrayElement(java, buffers, place);
  void *address = address_in(java, buffer, offset);
  if (buffer) (*java)->DeleteLocalRef(java, buffer);
  return address;
}

static const depth_port *port(jboolean outputs, jint place) {
  return outputs ? depth_output(place) : depth_input(place);
}

static jbyteArray manifest(JNIEnv *java, jclass type) {
  (void)type;
  return text(java, depth_manifest());
}

static jbyteArray last_error(JNIEnv *java, jclass type, jlong network) {
  (void)type;
  return text(java, depth_last_error((depth_network)network));
}

static jint port_count(JNIEnv *java, jclass type, jboolean outputs) {
  (void)java, (void)type;
  return outputs ? depth_output_count() : depth_input_count();
}

static jbyteArray port_name(JNIEnv *java, jclass type, jboolean outputs, jint place) {
  (void)type;
  return text(java, port(outputs, place)->name);
}

static jbyteArray port_unit(JNIEnv *java, jclass type, jboolean outputs, jint place) {
  (void)type;
  return text(java, port(outputs, place)->unit);
}

static jlongArray port_layout(JNIEnv *java, jclass type, jboolean outputs, jint place) {
  const depth_port *of = port(outputs, place);
  const jlong head[2] = {of->type, (jlong)of->bytes};
  jlongArray array = (*java)->NewLongArray(java, 2 + of->rank);
  (void)type;
  if (!array) {
    (*java)->ExceptionClear(java);
    return 0;
  }
  (*java)->SetLongArrayRegion(java, array, 0, 2, head);
  (*java)->SetLongArrayRegion(java, array, 2, of->rank, (const jlong *)of->shape);
  return array;
}

static jlong address(JNIEnv *java, jclass type, jobject buffer) {
  (void)type;
  return (jlong)(intptr_t)(*java)->GetDirectBufferAddress(java, buffer);
}

static jint create(JNIEnv *java, jclass type, jlongArray network, jint threads, jintArray cpus,
                   jbyteArray weights) {
  depth_options options = {threads, 0, 0, 0};
  jint *numbers = 0;
  jbyte *path = 0;
  depth_network made = 0;
  jlong handle;
  jint status = DEPTH_NO_MEMORY;
  (void)type;
  if (cpus) numbers = (*java)->GetIntArrayElements(java, cpus, 0);
  if (weights && (!cpus || numbers)) path = (*java)->GetByteArrayElements(java, weights, 0);
  if ((!cpus || numbers) && (!weights || path)) {
    options.cpus = numbers;
    options.cpu_count = cpus ? (*java)->GetArrayLength(java, cpus) : 0;
    options.weights = (const char *)path;
    status = depth_create(&made, &options);
  } else {
    (*java)->ExceptionClear(java);
  }
  if (path) (*java)->ReleaseByteArrayElements(java, weights, path, JNI_ABORT);
  if (numbers) (*java)->ReleaseIntArrayElements(java, cpus, numbers, JNI_ABORT);
  handle = (jlong)made;
  (*java)->SetLongArrayRegion(java, network, 0, 1, &handle);
  return status;
}

static jint destroy(JNIEnv *java, jclass type, jlong network) {
  (void)java, (void)type;
  return depth_destroy((depth_network)network);
}

static jint run(JNIEnv *java, jclass type, jlong network, jobjectArray buffers, jlongArray places) {
  const jint inputs = depth_input_count(), count = inputs + depth_output_count();
  void *data[count + 1];
  size_t bytes[count + 1];
  (void)type;
  for (jint i = 0; i < count; i++) {
    jlong place[2]; /* offset, bytes */
    (*java)->GetLongArrayRegion(java, places, 2 * i, 2, place);
    data[i] = element_address(java, buffers, i, place[0]);
    bytes[i] = (size_t)place[1];
  }
  return depth_run((depth_network)network, (const void *const *)data, bytes, data + inputs,
                   bytes + inputs);
}

static jint run_frame(JNIEnv *java, jclass type, jlong network, jintArray layout,
                      jobjectArray planes, jbyteArray array, jobject map, jlongArray places) {
  jint number[LAYOUT];
  jlong place[2 * PLANES + 2];
  depth_frame frame;
  jbyte *elements = 0;
  jint status;
  (void)type;
  (*java)->GetIntArrayRegion(java, layout, 0, LAYOUT, number);
  (*java)->GetLongArrayRegion(java, places, 0, 2 * PLANES + 2, place);
  if (array && !(elements = (*java)->GetByteArrayElements(java, array, 0))) {
    (*java)->ExceptionClear(java);
    return DEPTH_NO_MEMORY;
  }
  frame.format = (depth_format)number[0];
  frame.width = number[1];
  frame.height = number[2];
  frame.rotation = number[3];
  for (jint i = 0; i < PLANES; i++) {
    depth_plane *plane = &frame.planes[i];
    plane->data = elements ? (const uint8_t *)elements + place[2 * i]
                           : element_address(java, planes, i, place[2 * i]);
    plane->bytes = (size_t)place[2 * i + 1];
    plane->row_stride = number[4 + 2 * i];
    plane->pixel_stride = number[5 + 2 * i];
  }
  status = depth_run_frame((depth_network)network, &frame,
                           address_in(java, map, place[2 * PLANES]),
                           (size_t)place[2 * PLANES + 1]);
  if (elements) (*java)->ReleaseByteArrayElements(java, array, elements, JNI_ABORT);
  return status;
}

static jint set_camera(JNIEnv *java, jclass type, jlong network, jdouble focal_x, jdouble focal_y) {
  (void)java;
  (void)type;
  return depth_set_camera((depth_network)network, focal_x, focal_y);
}

static jint last_times(JNIEnv *java, jclass type, jlong network, jobject times) {
  double *milliseconds = address_in(java, times, 0);
  (void)type;
  return depth_last_times((depth_network)network, milliseconds, milliseconds + 1);
}

static jint benchmark(JNIEnv *java, jclass type, jlong network, jint warm_up, jint runs,
                      jobject milliseconds) {
  (void)type;
  return depth_benchmark((depth_network)network, warm_up, runs, address_in(java, milliseconds, 0));
}

static jint record(JNIEnv *java, jclass type, jlong network, jint warm_up, jint runs,
                   jobject milliseconds, jobject into, jint capacity, jlongArray length) {
  size_t needed = 0;
  jlong result;
  jint status = depth_benchmark_record((depth_network)network, warm_up, runs,
                                       address_in(java, milliseconds, 0), address_in(java, into, 0),
                                       (size_t)capacity, &needed);
  (void)type;
  result = (jlong)needed;
  (*java)->SetLongArrayRegion(java, length, 0, 1, &result);
  return status;
}

#define BUFFER "Ljava/nio/Buffer;"
#define BYTES "Ljava/nio/ByteBuffer;"

static const JNINativeMethod METHODS[] = {
    {"manifest", "()[B", (void *)manifest},
    {"lastError", "(J)[B", (void *)last_error},
    {"portCount", "(Z)I", (void *)port_count},
    {"portName", "(ZI)[B", (void *)port_name},
    {"portUnit", "(ZI)[B", (void *)port_unit},
    {"portLayout", "(ZI)[J", (void *)port_layout},
    {"address", "(" BYTES ")J", (void *)address},
    {"create", "([JI[I[B)I", (void *)create},
    {"destroy", "(J)I", (void *)destroy},
    {"run", "(J[" BUFFER "[J)I", (void *)run},
    {"runFrame", "(J[I[" BUFFER "[B" BUFFER "[J)I", (void *)run_frame},
    {"setCamera", "(JDD)I", (void *)set_camera},
    {"lastTimes", "(J" BYTES ")I", (void *)last_times},
    {"benchmark", "(JII" BYTES ")I", (void *)benchmark},
    {"record", "(JII" BYTES BYTES "I[J)I", (void *)record},
};

/* A program without the class, which loaded the library for depth.h, may still have it. */
DEPTH_API jint JNI_OnLoad(JavaVM *machine, void *reserved) {
  JNIEnv *java;
  jclass type;
  jint failed;
  (void)reserved;
  if ((*machine)->GetEnv(machine, (void **)&java, JNI_VERSION_1_6) != JNI_OK) return JNI_ERR;
  type = (*java)->FindClass(java, JAVA_CLASS);
  if (!type) {
    (*java)->ExceptionClear(java);
    return JNI_VERSION_1_6;
  }
  failed = (*java)->RegisterNatives(java, type, METHODS, sizeof METHODS / sizeof *METHODS);
  (*java)->DeleteLocalRef(java, type);
  return failed ? JNI_ERR : JNI_VERSION_1_6;
}
