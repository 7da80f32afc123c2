#define _GNU_SOURCE
#include "upload.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char PREFIX[] = "upload-";

int upload_begin(struct upload *upload, const char *folder, int number, int64_t size) {
  upload->fd = -1;
  upload->number = number;
  upload->left = size;
  if (snprintf(upload->path, PATH_MAX, "%s/%s%d.so", folder, PREFIX, number) >= PATH_MAX) {
    errno = ENAMETOOLONG;
    return -1;
  }
  upload->fd = open(upload->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  return upload->fd < 0 ? -1 : 0;
}

int upload_write(struct upload *upload, const char *bytes, size_t count) {
  while (count) {
    ssize_t written = write(upload->fd, bytes, count);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return -1;
    bytes += written;
    count -= (size_t)written;
    upload->left -= written;
  }
  return 0;
}

int upload_finish(struct upload *upload) {
  int failed = close(upload->fd);
  upload->fd = -1;
  if (failed) unlink(upload->path);
  return failed;
}

void upload_remove(const struct upload *upload) { unlink(upload->path); }

void upload_abandon(struct upload *upload) {
  if (upload->fd < 0) return;
  close(upload->fd);
  upload->fd = -1;
  unlink(upload->path);
}

static void remove_uploads(const char *folder) {
  char path[PATH_MAX];
  DIR *listing = opendir(folder);
  for (struct dirent *entry; listing && (entry = readdir(listing));) {
    if (strncmp(entry->d_name, PREFIX, strlen(PREFIX))) continue;
    if (snprintf(path, sizeof path, "%s/%s", folder, entry->d_name) < PATH_MAX) unlink(path);
  }
  if (listing) closedir(listing);
}

int uploads_open(const char *folder) {
  if (mkdir(folder, 0700) && errno != EEXIST) return -1;
  remove_uploads(folder);
  return access(folder, W_OK | X_OK);
}

void uploads_close(const char *folder) {
  remove_uploads(folder);
  rmdir(folder);
}
