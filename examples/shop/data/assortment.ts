/** What the shop sells: a category, its prices in cents (half lie below `usual`), and what people type to find it. */
export const categories = [
  { name: 'shoes', lowest: 1_990, usual: 4_500, words: ['running shoes', 'boots', 'sandals', 'white sneakers'] },
  { name: 'dresses', lowest: 1_490, usual: 3_900, words: ['summer dress', 'black dress', 'maxi dress', 'wedding guest'] },
  { name: 'shirts', lowest: 990, usual: 1_900, words: ['linen shirt', 't-shirt', 'polo', 'white shirt'] },
  { name: 'jackets', lowest: 2_990, usual: 6_500, words: ['rain jacket', 'denim jacket', 'parka', 'windbreaker'] },
  { name: 'bags', lowest: 1_290, usual: 3_500, words: ['backpack', 'tote bag', 'suitcase', 'laptop sleeve'] },
  { name: 'watches', lowest: 3_990, usual: 9_900, words: ['diver watch', 'smart watch', 'watch strap', 'chronograph'] },
  { name: 'phones', lowest: 1_990, usual: 12_000, words: ['phone case', 'charger', 'phone 128gb', 'screen protector'] },
  { name: 'books', lowest: 490, usual: 1_200, words: ['cookbook', 'thriller', 'travel guide', 'picture book'] },
  { name: 'toys', lowest: 790, usual: 1_800, words: ['building blocks', 'puzzle', 'board game', 'plush bear'] },
  { name: 'kitchen', lowest: 690, usual: 2_400, words: ['frying pan', 'coffee grinder', 'knife set', 'espresso cups'] },
  { name: 'garden', lowest: 590, usual: 2_200, words: ['hose', 'planter', 'pruning shears', 'patio lights'] },
  { name: 'beauty', lowest: 390, usual: 1_500, words: ['face cream', 'sunscreen', 'hair dryer', 'perfume'] },
] as const

/** Every query; those of category `c` are the places `c * 4` to `c * 4 + 3`. */
export const queries: readonly string[] = categories.flatMap(({ words }) => words)
export const queriesOfCategory = 4
