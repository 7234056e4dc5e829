/** What a client that was let in may do with topics, asked packet by packet. Answered elsewhere: a conversation knows no users and no rules. */
export interface Permissions {
  /** The user to whom its session belongs; null: nobody. */
  readonly user: string | null;
  /** Its session was another user's, who is no more: nothing of it is for this client. */
  readonly mustBeClean: boolean;
  mayPublish(topic: string): boolean;
  maySubscribe(filter: string): boolean;
}
