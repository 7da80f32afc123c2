/* Prints what a library depends on in one header of Java's: compiled with the JDK's, and with ours.
 *
 * FUNCTIONS and MACHINE are the headers' names for the tables; places.h holds a PLACE(function)
 * for each function that is used.
 */
#include HEADER
#include <stddef.h>
#include <stdio.h>

#define PLACE(function) printf(#function " %zu\n", offsetof(struct FUNCTIONS, function));
#define VALUE(constant) printf(#constant " %d\n", constant);
#define SIZE(type) printf(#type " %zu\n", sizeof(type));

int main(void) {
#include "places.h"
  printf("GetEnv %zu\n", offsetof(struct MACHINE, GetEnv));
  printf("signature %zu\n", offsetof(JNINativeMethod, signature));
  printf("fnPtr %zu\n", offsetof(JNINativeMethod, fnPtr));
  SIZE(JNINativeMethod) SIZE(JNIEnv) SIZE(JavaVM) SIZE(jboolean) SIZE(jbyte) SIZE(jint)
  SIZE(jlong) SIZE(jsize) SIZE(jobject)
  VALUE(JNI_OK) VALUE(JNI_ERR) VALUE(JNI_ABORT) VALUE(JNI_VERSION_1_6)
  return 0;
}
