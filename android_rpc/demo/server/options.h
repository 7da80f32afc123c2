/* The command line. */
#ifndef DEMO_OPTIONS_H
#define DEMO_OPTIONS_H

#include <stdint.h>

#include "worker.h"

enum { MAX_ZONES = 32 };

struct options {
  const char *page;     /* the folder of its files */
  const char *packages; /* the folder of the libraries */
  const char *work;     /* the folder for uploads */
  const char *device;   /* what /packages tells of it: a JSON object */
  const char *zones[MAX_ZONES]; /* the files of the processor's temperatures */
  int zone_count;
  struct cpu_choice choices[MAX_CHOICES];
  int choice_count;
  double focal;         /* of the camera, by the upright frame's width; 0: not known */
  uint16_t port;        /* 0: a free one */
  uint16_t public_port; /* 0: `port` */
};

/* 0, or -1 after a line on stderr. */
int parse_options(int count, char **words, struct options *options);

#endif
