/** What goes wrong with clients apart from breaking MQTT (that is core/mqtt's), as operators read it. */

export const connectionFaults = {
  LS_CONNECT_TIMEOUT: (ms: number) =>
    `sent no CONNECT within mqtt.connectTimeout (${ms} ms); is it an MQTT client, and its network all right?`,
  LS_KEEP_ALIVE: (ms: number) =>
    `was silent for ${ms} ms, one and a half times the keep-alive that it chose; look at its network, or let it choose a longer one`,
  LS_STALLED: (ms: number) =>
    `has read nothing for ${ms} ms (mqtt.stallTimeout) while mqtt.backlogSizeMax waited for it; look at it and at its network, or let it subscribe to less`,
  LS_QUEUE_FULL: (dropped: number) =>
    `${dropped} messages were dropped because the queues of their clients were full, the oldest first; let those clients connect and read, or raise mqtt.queueMessagesMax, mqtt.queueSizeMax or, for clients whose sessions end with their connections, mqtt.localQueuesSizeMax`,
} as const;

export type ConnectionFaultCode = keyof typeof connectionFaults;
