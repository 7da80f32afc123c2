/* What an instance is made of. */
#ifndef MEMORY_H
#define MEMORY_H

#include "instance.h"

/* Everything that runs need: memory, weights, threads; nothing is left of it where it fails. */
depth_status instance_new(const depth_options *options, instance **made);
void instance_end(instance *one);

#endif
