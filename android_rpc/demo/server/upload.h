/* A browser's file on its way into the server's folder, whole or not at all. */
#ifndef DEMO_UPLOAD_H
#define DEMO_UPLOAD_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

#define MAX_UPLOAD ((int64_t)512 << 20)

struct upload {
  int fd; /* -1: none */
  int number;
  int64_t left;
  char path[PATH_MAX];
};

/* Begins file `number` of the folder: 0, or -1 (errno). */
int upload_begin(struct upload *upload, const char *folder, int number, int64_t size);

/* Adds bytes, at most `left`: 0, or -1 (errno). */
int upload_write(struct upload *upload, const char *bytes, size_t count);

/* Ends a whole one, which then stays: 0, or -1 (errno). */
int upload_finish(struct upload *upload);

/* Removes one that was finished. */
void upload_remove(const struct upload *upload);

/* Removes one that is not whole, where there is one. */
void upload_abandon(struct upload *upload);

/* Makes the folder for uploads, or empties it of those that a server that was killed left. */
int uploads_open(const char *folder);

/* Removes all uploads, and the folder. */
void uploads_close(const char *folder);

#endif
