/** A name as SQL: always quoted, so that no keyword (`at`, `order`) and no letter case can change its meaning. */
export const quoteIdentifier = (name: string): string => `"${name.replaceAll('"', '""')}"`

/** A text as a SQL literal. */
export const quoteLiteral = (text: string): string => `'${text.replaceAll("'", "''")}'`

/** A list of texts as a SQL literal. */
export const quoteList = (texts: readonly string[]): string => `[${texts.map(quoteLiteral).join(', ')}]`
