/* A virtual machine of Java as far as a package's library can tell, to run it without one.
 *
 * fake_java LIBRARY INPUT OUTPUT: loads the library, makes a network by the functions that it
 * registers, and runs it on the file INPUT. Fails where a reference or an array's elements are
 * kept, or where a function is called that a package must not call.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "java_interface.h"

enum { FUNCTIONS = 235, METHODS = 64 };

typedef struct object {
  void *data; /* of an array or a direct buffer */
  jsize length;
} object;

static int references, elements, pending, class_known = 1;
static JNINativeMethod methods[METHODS];
static int method_count;

static void fail(const char *what) {
  fprintf(stderr, "fake_java: %s\n", what);
  exit(1);
}

static void unexpected(void) { fail("a function of Java was called that must not be"); }

static object *made(jsize length, size_t size) {
  object *one = malloc(sizeof *one);
  one->data = calloc((size_t)length + 1, size);
  one->length = length;
  references++;
  return one;
}

static jclass find_class(JNIEnv *java, const char *name) {
  (void)java;
  if (!class_known) {
    pending = 1;
    return NULL;
  }
  references++;
  return (jclass)(uintptr_t)name;
}

static void exception_clear(JNIEnv *java) {
  (void)java;
  pending = 0;
}

static void delete_local_ref(JNIEnv *java, jobject gone) {
  (void)java, (void)gone;
  references--;
}

static jsize array_length(JNIEnv *java, jarray array) {
  (void)java;
  return ((object *)array)->length;
}

static jobject array_element(JNIEnv *java, jobjectArray array, jsize place) {
  (void)java;
  references++;
  return ((jobject *)((object *)array)->data)[place];
}

static jbyteArray new_bytes(JNIEnv *java, jsize length) {
  (void)java;
  return made(length, 1);
}

static jlongArray new_longs(JNIEnv *java, jsize length) {
  (void)java;
  return made(length, sizeof(jlong));
}

static void *array_elements(JNIEnv *java, jarray array, jboolean *copied) {
  (void)java, (void)copied;
  elements++;
  return ((object *)array)->data;
}

static void release_elements(JNIEnv *java, jarray array, void *taken, jint mode) {
  (void)java;
  if (taken != ((object *)array)->data || mode != JNI_ABORT) fail("elements released wrongly");
  elements--;
}

static char *region(jarray array, jsize first, jsize count, size_t size) {
  object *one = array;
  if (first < 0 || count < 0 || first + count > one->length) fail("beyond an array's end");
  return (char *)one->data + (size_t)first * size;
}

static void get_ints(JNIEnv *java, jintArray array, jsize first, jsize count, jint *to) {
  (void)java;
  memcpy(to, region(array, first, count, sizeof *to), (size_t)count * sizeof *to);
}

static void get_longs(JNIEnv *java, jlongArray array, jsize first, jsize count, jlong *to) {
  (void)java;
  memcpy(to, region(array, first, count, sizeof *to), (size_t)count * sizeof *to);
}

static void set_bytes(JNIEnv *java, jbyteArray array, jsize first, jsize count, const jbyte *from) {
  (void)java;
  memcpy(region(array, first, count, 1), from, (size_t)count);
}

static void set_longs(JNIEnv *java, jlongArray array, jsize first, jsize count, const jlong *from) {
  (void)java;
  memcpy(region(array, first, count, sizeof *from), from, (size_t)count * sizeof *from);
}

static jint register_natives(JNIEnv *java, jclass type, const JNINativeMethod *all, jint count) {
  (void)java;
  printf("class %s\n", (const char *)type);
  if (count > METHODS) fail("more methods than expected");
  memcpy(methods, all, (size_t)count * sizeof *all);
  method_count = count;
  return 0;
}

static void *buffer_address(JNIEnv *java, jobject buffer) {
  (void)java;
  return ((object *)buffer)->data;
}

static JNIEnv functions;

static jint get_env(JavaVM *machine, void **java, jint version) {
  (void)machine;
  if (version != JNI_VERSION_1_6) return JNI_ERR;
  *java = &functions;
  return JNI_OK;
}

static void *method(const char *name) {
  for (int i = 0; i < method_count; i++)
    if (!strcmp(methods[i].name, name)) return methods[i].fnPtr;
  fail(name);
  return NULL;
}

/* Nothing may be left of a call but what it returns. */
static void settled(const char *call, int returned) {
  if (references != returned || elements || pending) fail(call);
  references = 0;
}

static object *file_content(const char *path) {
  FILE *file = fopen(path, "rb");
  if (!file || fseek(file, 0, SEEK_END)) fail(path);
  object *content = made((jsize)ftell(file), 1);
  rewind(file);
  if (fread(content->data, 1, (size_t)content->length, file) != (size_t)content->length) fail(path);
  fclose(file);
  references--;
  return content;
}

int main(int count, char **arguments) {
  if (count != 4) fail("LIBRARY INPUT OUTPUT");
  static void *table[FUNCTIONS], *machine_table[8];
  for (int i = 0; i < FUNCTIONS; i++) table[i] = (void *)unexpected;
  struct java_functions *all = (struct java_functions *)table;
  all->FindClass = find_class;
  all->ExceptionClear = exception_clear;
  all->DeleteLocalRef = delete_local_ref;
  all->GetArrayLength = array_length;
  all->GetObjectArrayElement = array_element;
  all->NewByteArray = new_bytes;
  all->NewLongArray = new_longs;
  all->GetByteArrayElements = (jbyte * (*)(JNIEnv *, jbyteArray, jboolean *)) array_elements;
  all->GetIntArrayElements = (jint * (*)(JNIEnv *, jintArray, jboolean *)) array_elements;
  all->ReleaseByteArrayElements = (void (*)(JNIEnv *, jbyteArray, jbyte *, jint))release_elements;
  all->ReleaseIntArrayElements = (void (*)(JNIEnv *, jintArray, jint *, jint))release_elements;
  all->GetIntArrayRegion = get_ints;
  all->GetLongArrayRegion = get_longs;
  all->SetByteArrayRegion = set_bytes;
  all->SetLongArrayRegion = set_longs;
  all->RegisterNatives = register_natives;
  all->GetDirectBufferAddress = buffer_address;
  functions = all;
  struct java_machine *machine = (struct java_machine *)machine_table;
  machine->GetEnv = get_env;
  JavaVM java = machine;

  void *library = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
  if (!library) fail(dlerror());
  jint (*load)(JavaVM *, void *) = (jint(*)(JavaVM *, void *))dlsym(library, "JNI_OnLoad");
  if (!load) fail("no JNI_OnLoad");
  class_known = 0;
  if (load(&java, NULL) != JNI_VERSION_1_6) fail("does not load without its class");
  settled("JNI_OnLoad without a class", 0);
  class_known = 1;
  if (load(&java, NULL) != JNI_VERSION_1_6) fail("does not load");
  settled("JNI_OnLoad", 0);

  jobject (*layout)(JNIEnv *, jclass, jboolean, jint) = method("portLayout");
  jint (*create)(JNIEnv *, jclass, jlongArray, jint, jintArray, jbyteArray) = method("create");
  jint (*run)(JNIEnv *, jclass, jlong, jobjectArray, jlongArray) = method("run");
  jint (*destroy)(JNIEnv *, jclass, jlong) = method("destroy");
  jobject (*last_error)(JNIEnv *, jclass, jlong) = method("lastError");

  object *input = file_content(arguments[2]);
  object *described = layout(&functions, NULL, 1, 0);
  settled("portLayout", 1);
  object *output = made((jsize)((jlong *)described->data)[1], 1);
  object *network = made(1, sizeof(jlong)), *cpus = made(1, sizeof(jint));
  object *path = made(7, 1), *buffers = made(2, sizeof(jobject)), *places = made(4, sizeof(jlong));
  strcpy(path->data, "/none");
  references = 0;

  if (create(&functions, NULL, network, 1, NULL, NULL)) fail("create");
  settled("create", 0);
  jlong handle = *(jlong *)network->data;
  if (create(&functions, NULL, network, -1, cpus, path) != 1) fail("threads below 0");
  settled("create of fewer than no threads", 0);
  object *why = last_error(&functions, NULL, 0);
  settled("lastError", 1);
  printf("refused: %.*s\n", (int)why->length, (char *)why->data);

  ((jobject *)buffers->data)[0] = input;
  ((jobject *)buffers->data)[1] = output;
  ((jlong *)places->data)[1] = input->length;
  ((jlong *)places->data)[3] = output->length - 1;
  if (run(&functions, NULL, handle, buffers, places) != 3) fail("a short buffer");
  ((jlong *)places->data)[3] = output->length;
  if (run(&functions, NULL, handle, buffers, places)) fail("run");
  settled("run", 0);
  if (destroy(&functions, NULL, handle)) fail("destroy");
  if (run(&functions, NULL, handle, buffers, places) != 2) fail("run after destroy");
  FILE *file = fopen(arguments[3], "wb");
  if (!file || fwrite(output->data, 1, (size_t)output->length, file) != (size_t)output->length)
    fail(arguments[3]);
  return fclose(file);
}
