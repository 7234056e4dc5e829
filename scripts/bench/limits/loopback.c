/*
 * loopback BYTES COUNT ROUNDS - what loopback gives a backchannel at most: COUNT blocks of BYTES from one process to another by TCP, the
 * other says when it has all; then ROUNDS times one block there and one byte back. Prints one JSON line.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
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
static void write_all(int fd, const char *b, size_t n) {
  while (n) { ssize_t k = write(fd, b, n); if (k <= 0) die("write"); b += k; n -= (size_t)k; }
}
static void read_all(int fd, char *b, size_t n) {
  while (n) { ssize_t k = read(fd, b, n); if (k <= 0) die("read"); b += k; n -= (size_t)k; }
}
static double cpu_of(int who) {
  struct rusage u;
  getrusage(who, &u);
  return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

int main(int argc, char **argv) {
  if (argc != 4) { fprintf(stderr, "loopback BYTES COUNT ROUNDS\n"); return 2; }
  size_t bytes = strtoul(argv[1], 0, 10), count = strtoul(argv[2], 0, 10), rounds = strtoul(argv[3], 0, 10);
  char *block = calloc(1, bytes), done = 1;
  double *took = malloc((rounds + 1) * sizeof *took);
  int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof at;
  if (!block || !took || bind(listener, (void *)&at, size) || listen(listener, 1) || getsockname(listener, (void *)&at, &size)) die("listen");
  pid_t child = fork();
  if (child == 0) {
    int s = accept(listener, NULL, NULL);
    setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    for (size_t i = 0; i < count; i++) read_all(s, block, bytes);
    write_all(s, &done, 1);
    for (size_t i = 0; i < rounds; i++) { read_all(s, block, bytes); write_all(s, &done, 1); }
    _exit(0);
  }
  int s = socket(AF_INET, SOCK_STREAM, 0);
  setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (connect(s, (void *)&at, sizeof at)) die("connect");
  double began = now_s();
  for (size_t i = 0; i < count; i++) write_all(s, block, bytes);
  read_all(s, &done, 1);
  double seconds = now_s() - began;
  for (size_t i = 0; i < rounds; i++) {
    double t = now_s();
    write_all(s, block, bytes);
    read_all(s, &done, 1);
    took[i] = now_s() - t;
  }
  waitpid(child, NULL, 0);
  qsort(took, rounds, sizeof *took, by_value);
  printf("{\"seconds\":%.6f,\"p50Ms\":%.4f,\"p99Ms\":%.4f,\"cpuSeconds\":%.3f}\n", seconds, took[rounds / 2] * 1e3, took[rounds * 99 / 100] * 1e3,
         cpu_of(RUSAGE_SELF) + cpu_of(RUSAGE_CHILDREN));
  return 0;
}
