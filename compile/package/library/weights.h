/* The network's weights. */
#ifndef WEIGHTS_H
#define WEIGHTS_H

#include "instance.h"

/* Those of the library, or of the file at `path`, mapped. */
depth_status weights_open(instance *one, const char *path);
void weights_close(instance *one);

#endif
