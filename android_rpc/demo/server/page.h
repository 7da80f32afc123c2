/* The files of the demo's page. */
#ifndef DEMO_PAGE_H
#define DEMO_PAGE_H

#include "buffer.h"

enum { MAX_PAGE_FILE = 4 << 20 };

/* The type of a file that the page may have by this name, "" being its index; NULL: none. */
const char *page_type(const char *name);

/* Adds the content of a file of the folder: 0, or -1 where there is none. */
int page_read(const char *folder, const char *name, struct buffer *content);

#endif
