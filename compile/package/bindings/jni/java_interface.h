/* The part of the Java Native Interface 1.6 that jni.c uses, for machines without a JDK.
 *
 * Layout by the specification's table of functions: the number of a function is its place. A test
 * compares every place with a JDK's jni.h.
 */
#ifndef JAVA_INTERFACE_H
#define JAVA_INTERFACE_H

#include <stdint.h>

typedef uint8_t jboolean;
typedef int8_t jbyte;
typedef int32_t jint;
typedef int64_t jlong;
typedef double jdouble;
typedef jint jsize;
typedef void *jobject;
typedef jobject jclass;
typedef jobject jarray;
typedef jobject jobjectArray;
typedef jobject jbyteArray;
typedef jobject jintArray;
typedef jobject jlongArray;

#define JNI_OK 0
#define JNI_ERR (-1)
#define JNI_ABORT 2
#define JNI_VERSION_1_6 0x00010006

typedef struct {
  const char *name;
  const char *signature;
  void *fnPtr;
} JNINativeMethod;

typedef const struct java_functions *JNIEnv;
typedef const struct java_machine *JavaVM;

#define PLACES(name, first, last) void *name[(last) - (first) + 1]

struct java_functions {
  PLACES(before_find_class, 0, 5);
  jclass (*FindClass)(JNIEnv *, const char *);
  PLACES(before_exception_clear, 7, 16);
  void (*ExceptionClear)(JNIEnv *);
  PLACES(before_delete_local_ref, 18, 22);
  void (*DeleteLocalRef)(JNIEnv *, jobject);
  PLACES(before_get_array_length, 24, 170);
  jsize (*GetArrayLength)(JNIEnv *, jarray);
  PLACES(before_get_object_array_element, 172, 172);
  jobject (*GetObjectArrayElement)(JNIEnv *, jobjectArray, jsize);
  PLACES(before_new_byte_array, 174, 175);
  jbyteArray (*NewByteArray)(JNIEnv *, jsize);
  PLACES(before_new_long_array, 177, 179);
  jlongArray (*NewLongArray)(JNIEnv *, jsize);
  PLACES(before_get_byte_array_elements, 181, 183);
  jbyte *(*GetByteArrayElements)(JNIEnv *, jbyteArray, jboolean *);
  PLACES(before_get_int_array_elements, 185, 186);
  jint *(*GetIntArrayElements)(JNIEnv *, jintArray, jboolean *);
  PLACES(before_release_byte_array_elements, 188, 191);
  void (*ReleaseByteArrayElements)(JNIEnv *, jbyteArray, jbyte *, jint);
  PLACES(before_release_int_array_elements, 193, 194);
  void (*ReleaseIntArrayElements)(JNIEnv *, jintArray, jint *, jint);
  PLACES(before_get_int_array_region, 196, 202);
  void (*GetIntArrayRegion)(JNIEnv *, jintArray, jsize, jsize, jint *);
  void (*GetLongArrayRegion)(JNIEnv *, jlongArray, jsize, jsize, jlong *);
  PLACES(before_set_byte_array_region, 205, 207);
  void (*SetByteArrayRegion)(JNIEnv *, jbyteArray, jsize, jsize, const jbyte *);
  PLACES(before_set_long_array_region, 209, 211);
  void (*SetLongArrayRegion)(JNIEnv *, jlongArray, jsize, jsize, const jlong *);
  PLACES(before_register_natives, 213, 214);
  jint (*RegisterNatives)(JNIEnv *, jclass, const JNINativeMethod *, jint);
  PLACES(before_get_direct_buffer_address, 216, 229);
  void *(*GetDirectBufferAddress)(JNIEnv *, jobject);
};

struct java_machine {
  PLACES(before_get_env, 0, 5);
  jint (*GetEnv)(JavaVM *, void **, jint);
};

#undef PLACES
#endif
