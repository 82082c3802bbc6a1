/*
 * flow_cost CLIENT PODS ROUNDS PACKETS [DEVICE ADDRESS PORT]...: what a small packet of an open UDP flow costs on the way
 * from one network namespace to another, by their names as `ip netns` has them.
 *
 * Each way (the client's device, and where the packets go) has one flow. In each of ROUNDS rounds the ways take turns:
 * an exchange opens the flow, or finds it open; then PACKETS datagrams go out. The sender's system call carries each of
 * them through the node to the pod's socket, so the time is that of the whole way. A turn in which another thread of the
 * kernel carried some of them does not count. Prints a line for each other turn: the number of the way, and nanoseconds
 * for one packet, of CPU and of wall clock.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { POD_PORT = 8080, SIZE = 16, MAX_WAYS = 16 };

static void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, ": %s\n", strerror(errno));
	exit(1);
}

static void enter(const char *namespace)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", namespace);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
		die("%s", path);
	close(fd);
}

static int udp_socket(void)
{
	struct timeval patience = { .tv_sec = 5 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0)
		die("socket");
	return fd;
}

/* A socket that receives for all pods, and knows for which. */
static int pods_socket(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(POD_PORT) };
	int fd = udp_socket(), on = 1;

	if (setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)) < 0 || bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0)
		die("the pods' socket");
	return fd;
}

static int client_socket(const char *device, const char *address, const char *port)
{
	struct sockaddr_in target = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };
	int fd = udp_socket();

	if (inet_pton(AF_INET, address, &target.sin_addr) != 1)
		die("not an address: %s", address);
	if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, (socklen_t)strlen(device)) < 0 ||
	    connect(fd, (struct sockaddr *)&target, sizeof(target)) < 0)
		die("%s by %s", address, device);
	return fd;
}

/* A request and its answer, which comes from the address that the request went to. */
static void exchange(int client, int pods)
{
	char data[SIZE] = "?", control[64];
	struct sockaddr_in peer;
	struct iovec vector = { data, sizeof(data) };
	struct msghdr message = { &peer, sizeof(peer), &vector, 1, control, sizeof(control), 0 };

	if (send(client, data, sizeof(data), 0) < 0 || recvmsg(pods, &message, 0) < 0)
		die("a request did not arrive");
	message.msg_flags = 0;
	if (sendmsg(pods, &message, 0) < 0 || recv(client, data, sizeof(data), 0) < 0)
		die("an answer did not arrive");
}

static long long now(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void turn(int way, int client, int pods, int packets)
{
	char data[SIZE] = "!";
	long long cpu, wall;
	int arrived = 0;

	exchange(client, pods);
	cpu = now(CLOCK_PROCESS_CPUTIME_ID);
	wall = now(CLOCK_MONOTONIC);
	for (int i = 0; i < packets; i++)
		if (send(client, data, sizeof(data), 0) < 0)
			die("send");
	wall = now(CLOCK_MONOTONIC) - wall;
	cpu = now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	while (recv(pods, data, sizeof(data), MSG_DONTWAIT) >= 0)
		arrived++;
	if (arrived == packets)
		printf("%d %.1f %.1f\n", way, (double)cpu / packets, (double)wall / packets);
	for (; arrived < packets; arrived++)
		if (recv(pods, data, sizeof(data), 0) < 0)
			die("%d of %d packets arrived", arrived, packets);
}

int main(int argc, char **argv)
{
	int rounds, packets, ways, pods, clients[MAX_WAYS];

	errno = EINVAL;
	if (argc < 8 || (argc - 5) % 3 != 0 || (argc - 5) / 3 > MAX_WAYS)
		die("usage: flow_cost CLIENT PODS ROUNDS PACKETS [DEVICE ADDRESS PORT]...");
	rounds = atoi(argv[3]);
	packets = atoi(argv[4]);
	ways = (argc - 5) / 3;
	enter(argv[2]);
	pods = pods_socket();
	enter(argv[1]);
	for (int way = 0; way < ways; way++)
		clients[way] = client_socket(argv[5 + 3 * way], argv[6 + 3 * way], argv[7 + 3 * way]);
	for (int round = 0; round < rounds; round++)
		for (int step = 0; step < ways; step++)
			turn((round + step) % ways, clients[(round + step) % ways], pods, packets);
	return 0;
}
