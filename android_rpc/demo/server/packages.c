#define _GNU_SOURCE
#include "packages.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

static const char BEGIN[] = "lib", END[] = ".so";

/* The NAME of libNAME.so: 0, or -1 for another file. */
static int package_id(const char *file, char id[MAX_ID + 1]) {
  size_t length = strlen(file), ends = strlen(BEGIN) + strlen(END);
  if (length <= ends || length - ends > MAX_ID || strncmp(file, BEGIN, strlen(BEGIN)) ||
      strcmp(file + length - strlen(END), END))
    return -1;
  snprintf(id, MAX_ID + 1, "%.*s", (int)(length - ends), file + strlen(BEGIN));
  return 0;
}

static int is_library(const struct dirent *entry) {
  char id[MAX_ID + 1];
  return !package_id(entry->d_name, id);
}

static void scan_file(struct packages *packages, const char *folder, const char *file) {
  char id[MAX_ID + 1], why[MAX_WHY], path[PATH_MAX], weights[PATH_MAX];
  package_id(file, id);
  if (snprintf(path, sizeof path, "%s/%s", folder, file) >= PATH_MAX ||
      snprintf(weights, sizeof weights, "%s/%s.weights", folder, id) >= PATH_MAX)
    return;
  struct package *package = packages_add(packages, path, id, why);
  if (!package)
    log_line("%s: %s", file, why);
  else if (!access(weights, R_OK))
    strcpy(package->weights, weights);
}

void packages_scan(struct packages *packages, const char *folder) {
  struct dirent **entries;
  int count = scandir(folder, &entries, is_library, alphasort);
  if (count < 0) {
    log_line("cannot read the folder of packages");
    return;
  }
  for (int i = 0; i < count; i++) {
    scan_file(packages, folder, entries[i]->d_name);
    free(entries[i]);
  }
  free(entries);
}

struct package *packages_add(struct packages *packages, const char *path, const char *id,
                             char why[MAX_WHY]) {
  if (packages->count == MAX_PACKAGES) {
    snprintf(why, MAX_WHY, "there are %d packages already", MAX_PACKAGES);
    return NULL;
  }
  struct package *package = &packages->list[packages->count];
  if (package_open(package, path, why)) return NULL;
  snprintf(package->id, sizeof package->id, "%s", id);
  packages->count++;
  return package;
}

const struct package *packages_find(const struct packages *packages, const char *id) {
  for (int i = 0; i < packages->count; i++)
    if (!strcmp(packages->list[i].id, id)) return &packages->list[i];
  return NULL;
}

void packages_close(struct packages *packages) {
  while (packages->count) package_close(&packages->list[--packages->count]);
}
