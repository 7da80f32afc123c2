/* The mark for programs in other languages. */
#include "mark.h"

void inference_mark(void);
void inference_mark(void) { mark(); }
