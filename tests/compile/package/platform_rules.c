/* The rules of platform.c, for a test to call. */
#include "platform.c"

int names_virtual_machine_in_package(const char *text, size_t bytes) {
  return names_virtual_machine(text, bytes);
}
