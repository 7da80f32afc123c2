/* The packages at hand: those of a folder, and those that browsers upload. */
#ifndef DEMO_PACKAGES_H
#define DEMO_PACKAGES_H

#include "package.h"

enum { MAX_PACKAGES = 32 };

struct packages {
  struct package list[MAX_PACKAGES];
  int count;
};

/* Loads every libNAME.so of a folder, in order of their names; logs those that cannot be used. */
void packages_scan(struct packages *packages, const char *folder);

/* Loads one more file under an id: the package, or NULL. */
struct package *packages_add(struct packages *packages, const char *path, const char *id,
                             char why[MAX_WHY]);

const struct package *packages_find(const struct packages *packages, const char *id);

void packages_close(struct packages *packages);

#endif
