#include "kernel_file.h"

size_t read_kernel_file(const char *path, char *text, size_t capacity) {
  size_t used = 0;
  int file = open(path, READ_ONLY | CLOSE_ON_EXEC);
  while (file >= 0 && used + 1 < capacity) {
    long bytes = syscall(SYS_READ, file, text + used, capacity - 1 - used);
    if (bytes <= 0) {
      break;
    }
    used += (size_t)bytes;
  }
  if (file >= 0) {
    close(file);
  }
  text[used] = 0;
  return used;
}

size_t read_kernel_line(const char *path, char *text, size_t capacity) {
  size_t used = read_kernel_file(path, text, capacity);
  while (used > 0 && (unsigned char)text[used - 1] <= ' ') {
    text[--used] = 0;
  }
  return used;
}

int64_t read_kernel_number(const char *path) {
  char text[32];
  read_kernel_file(path, text, sizeof text);
  return number_at(text);
}

static const char *next_line(const char *text) {
  while (*text != 0 && *text != '\n') {
    text++;
  }
  return *text != 0 ? text + 1 : NULL;
}

static const char *skip_blanks(const char *text) {
  while (*text == ' ' || *text == '\t') {
    text++;
  }
  return text;
}

const char *find_value(const char *text, const char *name) {
  size_t length = strlen(name);
  for (const char *line = text; line != NULL; line = next_line(line)) {
    size_t same = 0;
    while (same < length && line[same] == name[same]) {
      same++;
    }
    const char *colon = skip_blanks(line + same);
    if (same == length && *colon == ':') {
      return skip_blanks(colon + 1);
    }
  }
  return NULL;
}

static int digit(char letter) {
  if (letter >= '0' && letter <= '9') {
    return letter - '0';
  }
  return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : 99;
}

int64_t number_at(const char *text) {
  int base = text[0] == '0' && text[1] == 'x' ? 16 : 10;
  text += base == 16 ? 2 : 0;
  if (digit(*text) >= base) {
    return -1;
  }
  int64_t value = 0;
  for (; digit(*text) < base && value < INT64_MAX / 32; text++) {
    value = value * base + digit(*text);
  }
  return value;
}
