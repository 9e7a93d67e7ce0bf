/** What a payload says, by name. */
export type Fields = Readonly<Record<string, unknown>>
