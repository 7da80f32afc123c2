/* How warm the processor is. */
#ifndef DEMO_TEMPERATURE_H
#define DEMO_TEMPERATURE_H

/* The kernel's number in a zone's file as degrees: it tells thousandths, tenths or whole ones.
 * 0, or -1 where the text is none or a sensor is switched off. */
int parse_temperature(const char *text, double *celsius);

/* The warmest of the zones' files: 0, or -1 where none can be read. */
int read_temperature(const char *const *files, int count, double *celsius);

#endif
