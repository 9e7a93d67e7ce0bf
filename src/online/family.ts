/**
 * The family of a table: its name up to the first colon (colons that it begins with included). What is changed in one step for the
 * sake of one feature group is of one family: `orders@1`, `orders@1:recent`, `orders@1:fill`.
 */
export function tableFamily(table: string): string {
  let end = 0
  while (table[end] === ':') end++
  const colon = table.indexOf(':', end)
  return colon < 0 ? table : table.slice(0, colon)
}
