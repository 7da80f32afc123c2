/*
 * The kernels of the fault matrix's model: depth = 1 + 0.1 r + 0.7 g + 0.2 b, and a real fault.
 *
 * The file PLAN on the phone says what happens in which call since the model was loaded, in the
 * midst of it:
 *   CALL wait    makes the file REACHED, and goes on when there is the file GO, which it removes
 *   CALL crash   reads from address 8
 *   CALL loop    never ends
 */
#include <stdio.h>
#include <string.h>
#include <tvm/ffi/c_api.h>
#include <unistd.h>

#define FOLDER "/data/local/tmp/"
static const char PLAN[] = FOLDER "plan", REACHED[] = FOLDER "reached", GO[] = FOLDER "go";

/* Takes a while to send, so that the cable can be pulled meanwhile. */
__attribute__((used)) static const char padding[1 << 20] = {1};

static float *values(const TVMFFIAny *argument) {
  if (argument->type_index == kTVMFFIDLTensorPtr) return ((DLTensor *)argument->v_ptr)->data;
  return ((DLTensor *)((char *)argument->v_obj + sizeof(TVMFFIObject)))->data;
}

static void wait_for_go(void) {
  FILE *reached = fopen(REACHED, "w");
  if (reached) fclose(reached);
  while (unlink(GO)) usleep(5000);
}

static void follow_plan(void) {
  static int calls;
  int call = 0;
  char action[16] = "";
  FILE *plan = fopen(PLAN, "r");
  calls++;
  if (!plan) return;
  int read = fscanf(plan, "%d %15s", &call, action);
  fclose(plan);
  if (read != 2 || call != calls) return;
  if (!strcmp(action, "wait")) wait_for_go();
  if (!strcmp(action, "crash")) action[0] = *(volatile char *)8;
  while (!strcmp(action, "loop")) usleep(0);
}

int __tvm_ffi_depth(void *self, const TVMFFIAny *arguments, int32_t count, TVMFFIAny *result) {
  const float *image = values(&arguments[0]);
  float *depth = values(&arguments[1]);
  const int size = 32 * 32;
  usleep(5000);
  follow_plan();
  for (int i = 0; i < size; i++)
    depth[i] = 1 + 0.1f * image[i] + 0.7f * image[size + i] + 0.2f * image[2 * size + i];
  return 0;
}

/* There and back through a large tensor, of which only the beginning is used. */
int __tvm_ffi_copy(void *self, const TVMFFIAny *arguments, int32_t count, TVMFFIAny *result) {
  memcpy(values(&arguments[1]), values(&arguments[0]), 32 * 32 * sizeof(float));
  return 0;
}
