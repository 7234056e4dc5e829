/*
 * disk DIRECTORY BYTES COUNT SEGMENT grow|overwrite - what a disk gives a journal at most: COUNT times write BYTES behind the last and
 * fdatasync, in files of SEGMENT bytes. overwrite: the files were filled with zeros and synced before the clock starts, as the journal's
 * own are; grow: they grow with what is written. Prints one JSON line; removes its files.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static double now_s(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}
static void die(const char *what) { perror(what); exit(1); }
static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}
static void write_all(int fd, const char *b, size_t n, off_t at) {
  while (n) {
    ssize_t k = pwrite(fd, b, n, at);
    if (k <= 0) die("pwrite");
    b += k; n -= (size_t)k; at += k;
  }
}

int main(int argc, char **argv) {
  if (argc != 6) { fprintf(stderr, "disk DIRECTORY BYTES COUNT SEGMENT grow|overwrite\n"); return 2; }
  size_t bytes = strtoul(argv[2], 0, 10), count = strtoul(argv[3], 0, 10), segment = strtoul(argv[4], 0, 10);
  int prepares = !strcmp(argv[5], "overwrite");
  size_t per_file = segment / bytes ? segment / bytes : 1, files = (count + per_file - 1) / per_file, slice = 1 << 20;
  char path[4096], *block = malloc(bytes), *zeros = calloc(1, slice);
  int *fds = calloc(files, sizeof *fds);
  double *took = malloc(count * sizeof *took);
  if (!block || !zeros || !fds || !took) die("memory");
  for (size_t i = 0; i < bytes; i++) block[i] = (char)rand();
  for (size_t f = 0; f < files; f++) {
    snprintf(path, sizeof path, "%s/disk-%zu", argv[1], f);
    fds[f] = open(path, O_CREAT | O_RDWR | O_TRUNC, 0600);
    if (fds[f] < 0) die(path);
    unlink(path);
    for (size_t at = 0; prepares && at < per_file * bytes; at += slice) {
      size_t n = per_file * bytes - at < slice ? per_file * bytes - at : slice;
      write_all(fds[f], zeros, n, (off_t)at);
    }
    if (fsync(fds[f])) die("fsync");
  }
  struct rusage before, now;
  getrusage(RUSAGE_SELF, &before);
  double began = now_s();
  for (size_t i = 0; i < count; i++) {
    int fd = fds[i / per_file];
    double t = now_s();
    write_all(fd, block, bytes, (off_t)(i % per_file * bytes));
    if (fdatasync(fd)) die("fdatasync");
    took[i] = now_s() - t;
  }
  double seconds = now_s() - began;
  getrusage(RUSAGE_SELF, &now);
  double cpu = (double)(now.ru_utime.tv_sec + now.ru_stime.tv_sec - before.ru_utime.tv_sec - before.ru_stime.tv_sec) +
               (double)(now.ru_utime.tv_usec + now.ru_stime.tv_usec - before.ru_utime.tv_usec - before.ru_stime.tv_usec) / 1e6;
  qsort(took, count, sizeof *took, by_value);
  printf("{\"seconds\":%.6f,\"p50Ms\":%.4f,\"p99Ms\":%.4f,\"cpuSeconds\":%.3f,\"peakMiB\":%.1f}\n", seconds, took[count / 2] * 1e3,
         took[count * 99 / 100] * 1e3, cpu, (double)now.ru_maxrss / 1024);
  return 0;
}
