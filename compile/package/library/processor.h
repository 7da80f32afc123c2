/* Whether this processor can run the kernels. */
#ifndef PROCESSOR_H
#define PROCESSOR_H

/* What they need and it lacks; null for nothing. */
const char *missing_cpu_feature(void);

#endif
