/**
 * Whether a program printed what a page says it prints. On the page `…` stands for any text within a line, and a line
 * of nothing but `…` for any lines. Blanks at the ends of lines do not count.
 */
export function printedAsExpected(expected: string, printed: string): boolean {
  const lines = plain(expected).split('\n')
  const pattern = lines.map((line) => (line.trim() === '…' ? '(?:.*\\n)*' : `${line.split('…').map(literally).join('.+')}\\n`))
  return new RegExp(`^${pattern.join('')}$`).test(`${plain(printed)}\n`)
}

const literally = (text: string) => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
const plain = (text: string) => text.replace(/[ \t\r]+$/gm, '').replace(/\n+$/, '')
