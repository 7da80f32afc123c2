#define _GNU_SOURCE
#include "workspace.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[PATH_MAX];
static char session[PATH_MAX];

static int join(char path[PATH_MAX], const char *folder, const char *name) {
  int length = snprintf(path, PATH_MAX, "%s/%s", folder, name);
  return length > 0 && length < PATH_MAX ? 0 : -1;
}

static void remove_tree(const char *folder) {
  char path[PATH_MAX];
  DIR *listing = opendir(folder);
  for (struct dirent *entry; listing && (entry = readdir(listing));) {
    struct stat status;
    if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
    if (join(path, folder, entry->d_name) || lstat(path, &status)) continue;
    if (S_ISDIR(status.st_mode))
      remove_tree(path);
    else
      unlink(path);
  }
  if (listing) closedir(listing);
  rmdir(folder);
}

/* A server that was killed could not remove the folder of its session. */
static void remove_leftovers(void) {
  char path[PATH_MAX];
  DIR *listing = opendir(root);
  for (struct dirent *entry; listing && (entry = readdir(listing));) {
    int owner;
    if (sscanf(entry->d_name, "session-%d-", &owner) != 1 || owner <= 0) continue;
    if (kill(owner, 0) && errno == ESRCH && !join(path, root, entry->d_name)) remove_tree(path);
  }
  if (listing) closedir(listing);
}

int workspace_open(const char *folder) {
  if (mkdir(folder, 0700) && errno != EEXIST) return -1;
  if (!realpath(folder, root)) return -1;
  remove_leftovers();
  return access(root, W_OK | X_OK);
}

void workspace_close(void) { rmdir(root); }

int workspace_begin_session(void) {
  static int count;
  char name[64];
  snprintf(name, sizeof name, "session-%d-%d", (int)getpid(), ++count);
  return join(session, root, name) ? -1 : mkdir(session, 0700);
}

void workspace_end_session(void) { remove_tree(session); }

static int inside(const char *folder, const char *path) {
  size_t length = strlen(folder);
  return length && !strncmp(path, folder, length) && (path[length] == '/' || path[length] == '\0');
}

int workspace_path(const char *name, enum workspace_part part, char path[PATH_MAX]) {
  const char *folder = part == SESSION_FOLDER ? session : root;
  char wanted[PATH_MAX], real[PATH_MAX];
  if (name[0] == '/' ? snprintf(wanted, sizeof wanted, "%s", name) >= PATH_MAX
                     : join(wanted, session, name))
    return -1;
  if (realpath(wanted, real)) {
    strcpy(path, real);
    return inside(folder, path) ? 0 : -1;
  }
  /* A new file: its folder must exist, and it must not be a dangling link. */
  struct stat status;
  char *last = strrchr(wanted, '/');
  if (errno != ENOENT || lstat(wanted, &status) == 0 || !last || !last[1] ||
      !strcmp(last + 1, ".") || !strcmp(last + 1, ".."))
    return -1;
  *last = '\0';
  if (!realpath(wanted[0] ? wanted : "/", real) || !inside(folder, real)) return -1;
  return join(path, real, last + 1);
}
