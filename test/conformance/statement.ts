/**
 * What a normative statement is, and how a test cites one. The two specifications number alike and mean different things, so their citations
 * differ: `MQTT-3.1.2-24` is a statement of MQTT 3.1.1 and nothing else, `MQTT5-3.1.2-22` one of MQTT 5.0. A test cites in its title, in
 * brackets, several with commas: `[MQTT-3.1.2-24, MQTT5-3.1.2-22]`; where a title is put together, a string that is nothing but a citation counts.
 */

export type Statement = Readonly<{
  /** As the specification prints it: `MQTT-3.1.2-24`. */
  id: string;
  /** In words of our own; the specification's count. */
  says: string;
  /** Whose duty it is. */
  binds: 'server' | 'client' | 'both';
}>;

export type Version = '3.1.1' | '5.0';

/** How tests and lists name it. */
export const citationOf = (version: Version, { id }: Statement): string =>
  version === '5.0' ? id.replace('MQTT-', 'MQTT5-') : id;
