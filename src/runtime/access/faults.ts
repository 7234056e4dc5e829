/** Why a client is not let in, or not let do something, as operators read it behind "A client at …". Never a password; a name only where it is known to be one. */

/** A text of a client's own, fit for a line: some password was typed as a name before. */
const quoted = (text: string): string => JSON.stringify(text.length > 100 ? `${text.slice(0, 97)}...` : text);

export const whoText = (user: string | null, clientId: string): string =>
  `${user === null ? 'anonymous' : `user ${quoted(user)}`}, client ${quoted(clientId)}`;

export const accessFaults = {
  LS_ACCESS_PASSWORD: (user: string | null) =>
    user === null
      ? 'gave the name of no user; `lockstep user list` shows them all'
      : `gave a wrong password for user ${quoted(user)}; \`lockstep user passwd\` sets another one`,
  LS_ACCESS_ANONYMOUS: () =>
    'gave no user name, and access.anonymous is deny; give it a user (`lockstep user add`)',
  LS_ACCESS_CERTIFICATE: (name: string) =>
    `has a certificate for ${quoted(name)}, which is no user, and access.certificateNames is known; add it with \`lockstep user add --no-password\``,
  LS_ACCESS_CERTIFICATE_NAME: (name: string) =>
    `has a certificate for ${quoted(name)} and gave another user name; let it give that one or none, or set access.certificateNames to ignore`,
  LS_ACCESS_BUSY: (waiting: number) =>
    `came while the passwords of ${waiting} others waited to be checked, and was told to come back; who floods this server with logins?`,
  LS_ACCESS_SCRAM: (why: string) => `failed to authenticate with SCRAM: ${why}`,
  LS_ACCESS_WILL: (who: string, topic: string) =>
    `(${who}) has a will for topic ${quoted(topic)}, to which no rule lets it publish; see \`lockstep rule list\``,
  LS_ACCESS_PUBLISH: (who: string, topic: string) =>
    `(${who}) published to ${quoted(topic)}, which no rule lets it; the message was dropped; see \`lockstep rule list\``,
  LS_ACCESS_SUBSCRIBE: (who: string, filter: string) =>
    `(${who}) wanted to subscribe to ${quoted(filter)}, which no rule lets it; see \`lockstep rule list\``,
  LS_ACCESS_UNSUBSCRIBED: (who: string, filter: string) =>
    `(${who}) has lost its subscription to ${quoted(filter)}, which no rule lets it have any more`,
  LS_ACCESS_REVOKED: (who: string) =>
    `(${who}) was disconnected: its user was removed, or has another password now`,
  LS_ACCESS_SESSION: (who: string) =>
    `(${who}) gave the client identifier of a session that belongs to another user; give each client its own identifier`,
} as const;

export type AccessFaultCode = keyof typeof accessFaults;
