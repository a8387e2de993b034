/** People; none is also a word of another list. */
export const NAMES = (
  'Ana Ben Carla David Emma Farid Grace Hugo Ines Jonas Kira Leo Maria Nina Oscar Paula Quinn Rosa Sam Tara ' +
  'Uma Victor Wendy Yusuf Zoe Anton Bella Clara Dina Eli Freya Gus Hana Ivan Julia Karl Lena Marta Noah Olga'
).split(' ');

/** Cities, used with "in". */
export const CITIES =
  'Oslo Paris Lima Cairo Rome Delhi Tokyo Dublin Madrid Vienna Boston Athens Lisbon Berlin Accra Quito'.split(' ');

/** Places, used with "at". */
export const PLACES = (
  'the market,the library,the station,the park,the school,the beach,the museum,the bakery,the harbour,the airport,' +
  'the zoo,the theatre,the farm,the office,the pool,the cafe'
).split(',');

/** Groups of nouns, disjoint; `near` names the group that is easiest to confuse it with. */
export const GROUPS = {
  fruit: { one: 'fruit', many: 'fruits', near: 'vegetable' },
  vegetable: { one: 'vegetable', many: 'vegetables', near: 'fruit' },
  animal: { one: 'animal', many: 'animals', near: 'bird' },
  bird: { one: 'bird', many: 'birds', near: 'animal' },
  tool: { one: 'tool', many: 'tools', near: 'furniture' },
  furniture: { one: 'piece of furniture', many: 'pieces of furniture', near: 'tool' },
  clothing: { one: 'piece of clothing', many: 'pieces of clothing', near: 'furniture' },
  instrument: { one: 'musical instrument', many: 'musical instruments', near: 'tool' },
  vehicle: { one: 'vehicle', many: 'vehicles', near: 'tool' },
  colour: { one: 'colour', many: 'colours', near: 'fruit' },
} as const;

/** Name of a group of nouns. */
export type Group = keyof typeof GROUPS;

/** Words of each group, each in one group only. */
export const WORDS: Record<Group, readonly string[]> = {
  fruit: 'apple pear plum banana cherry grape lemon mango melon peach fig apricot kiwi lime'.split(' '),
  vegetable:
    'carrot potato onion cabbage spinach leek celery turnip radish broccoli beetroot parsnip lettuce pea'.split(' '),
  animal: 'horse cow sheep goat tiger lion rabbit fox wolf bear camel monkey mouse zebra'.split(' '),
  bird: 'eagle owl robin sparrow duck goose swan crow parrot pigeon heron gull penguin stork'.split(' '),
  tool: 'hammer saw drill wrench chisel pliers screwdriver spade rake axe shovel file spanner clamp'.split(' '),
  furniture: 'table chair sofa bed desk shelf wardrobe bench stool cupboard dresser armchair cabinet bookcase'.split(
    ' ',
  ),
  clothing: 'shirt hat coat scarf sock glove jacket skirt dress belt jumper sweater shoe cap'.split(' '),
  instrument: 'piano violin guitar flute drum trumpet harp cello clarinet oboe banjo tuba accordion trombone'.split(
    ' ',
  ),
  vehicle: 'car bus train bicycle truck tram boat ferry plane van scooter tractor canoe taxi'.split(' '),
  colour: 'red blue green yellow purple pink black white grey brown violet turquoise crimson beige'.split(' '),
};

/** Things people own, in the plural. */
export const THINGS =
  'apples coins stamps books marbles pencils shells cards cookies balloons eggs tickets flowers beads keys buttons'.split(
    ' ',
  );

/** Splits "a b,c d" into pairs. */
const pairs = (text: string): [string, string][] => text.split(',').map((pair) => pair.split(' ') as [string, string]);

/** Everyday opposites. No word is in two pairs, of these or of the uncommon ones. */
export const COMMON_OPPOSITES = pairs(
  'hot cold,big small,tall short,fast slow,old young,happy sad,open closed,full empty,early late,hard soft,' +
    'light dark,up down,in out,left right,day night,good bad,loud quiet,clean dirty,wet dry,rich poor,' +
    'strong weak,thick thin,near far,first last,high low,true false,yes no,on off,always never,push pull,' +
    'win lose,buy sell,start finish,love hate,give take,top bottom',
);

/** Less common opposites. */
export const UNCOMMON_OPPOSITES = pairs(
  'ancient modern,arrive depart,accept refuse,cheap expensive,deep shallow,generous selfish,guilty innocent,' +
    'include exclude,increase decrease,maximum minimum,victory defeat,brave cowardly,expand contract,permanent temporary,' +
    'sharp blunt,smooth rough,succeed fail,export import,ascend descend,optimist pessimist,horizontal vertical,' +
    'forget remember,whisper shout,create destroy,attack defend,question answer,borrow lend,entrance exit,' +
    'absent present,friend enemy,inner outer,major minor,male female,positive negative,senior junior,sweet bitter',
);

/** Nouns: singular, plural. The regular ones add -s. */
export const REGULAR_NOUNS =
  'cat dog book tree car house river cloud table garden window bottle school road lamp star'.split(' ');

/** Nouns whose plural is not just -s. */
export const IRREGULAR_NOUNS = pairs(
  'child children,mouse mice,foot feet,tooth teeth,man men,woman women,goose geese,leaf leaves,knife knives,wolf wolves,' +
    'city cities,baby babies,box boxes,bus buses,potato potatoes,sheep sheep,person people,shelf shelves,berry berries,ox oxen',
);

/** Verbs whose past tense is just -ed. */
export const REGULAR_VERBS =
  'walk jump talk play cook paint clean help open visit laugh look rain work wait pull'.split(' ');

/** Verbs and their past tense, irregular. */
export const IRREGULAR_VERBS = pairs(
  'go went,see saw,eat ate,run ran,write wrote,take took,give gave,come came,buy bought,think thought,drink drank,sing sang,' +
    'swim swam,speak spoke,drive drove,fly flew,catch caught,teach taught,sleep slept,find found,know knew,break broke',
);

/** Adjectives whose comparative is just -er. */
export const REGULAR_ADJECTIVES =
  'tall short cold warm fast slow strong weak long old young dark small quick loud soft'.split(' ');

/** Adjectives and their comparative, where it is not just -er. */
export const IRREGULAR_ADJECTIVES = pairs(
  'good better,bad worse,far farther,big bigger,hot hotter,happy happier,easy easier,heavy heavier,thin thinner,nice nicer,' +
    'large larger,busy busier,angry angrier,wide wider,fat fatter,early earlier',
);

/** Days of the week from Monday. */
export const DAYS = 'Monday Tuesday Wednesday Thursday Friday Saturday Sunday'.split(' ');

/** Months from January. */
export const MONTHS = 'January February March April May June July August September October November December'.split(
  ' ',
);

/** Ordinal numbers from the first. */
export const ORDINALS = 'first second third fourth fifth sixth seventh eighth'.split(' ');
