"""Word lists of the generator: what things, people, places and values are called."""
ADJ = '''amber ancient azure bent black blue bold brass brave bright bronze brown calm carved cedar chipped clever cold copper
coral cracked crimson crooked crystal curious curved damp dark deep distant dotted double dusty early eastern ebony
electric elegant emerald empty enamel faded faint famous fancy feathered fine flat floral folded foreign fragile frozen
gentle giant gilded glass golden grand granite gray green hanging heavy hidden hollow honest humble icy indigo inner iron
ivory jade jolly large lavender leather left light linen little lonely long lost loud lower lucky lunar magnetic maple
marble massive merry metal mild misty modern mossy muddy narrow new noble northern oak odd old olive open orange outer
oval painted pale paper patient pearl pine plain plastic polished portable pretty private proud purple quick quiet rapid
rare red regal restless rough round royal ruby rustic rusty sandy scarlet second secret sharp shiny short silent silk
silver simple sleepy slender small smooth solar southern spare spotted square steel steep still stone strange striped
strong sturdy sunny swift tall tangled tattered third thin tidy tin tiny torn tropical turquoise twisted upper useful
vacant velvet violet wandering warm waxed western white wide wild winter wise wooden woolen yellow young zinc'''.split()

NOUN = '''album alarm almanac anchor antenna apron armchair arrow atlas axe badge bag balloon banner barometer barrel basin
basket beacon bell belt bench bicycle binder blanket boat bolt bonnet book boot bottle bowl box bracelet brick bridge
broom brush bucket button cabinet cable calendar camera candle cannon canoe cap card carpet carriage cart case cello
chair chalice chart chest chisel clarinet cloak clock coat coin collar comb compass console cottage crate crown cup
curtain cushion dagger desk device dial diary dish doll door drawer dress drill drum easel engine envelope fan fence
fiddle figurine flag flask flute folder fork fountain frame furnace garden gate gauge generator glider globe glove goblet
gong guitar gun hammer hammock harness harp hat heater helmet horn hourglass inkwell instrument jacket jar jewel journal
jug kettle key kite knife ladder ladle lamp lantern laptop ledger lens letter lever locket lock loom machine magnet
mallet manual map mask mat medal meter microscope mirror monitor motor mug napkin necklace needle net notebook oar organ
ornament oven paddle padlock painting pan parcel parrot pedal pen pencil pendant pendulum phone photograph piano pillow
pin pipe pitcher plaque plate plough pocketwatch portrait postcard pot press printer projector pump puppet purse puzzle
quill quilt racket radio raft rake razor recorder ribbon rifle ring robe robot rocket rope router rug saddle sail sandal
satchel saw scale scanner scarf sceptre scissors scooter scroll sculpture sensor server shawl shelf shield ship shovel
sickle sign sketch sled slipper sofa spade spear sphere spoon stamp statue stool stove suitcase sundial sword table
tablet tambourine tank tapestry teapot telescope tent terminal thermometer thimble throne ticket toolbox torch tower
trailer tray tripod trophy trumpet trunk tunic turbine typewriter umbrella vase vault veil vest violin wagon wallet
watch wheel whip whistle wig windmill wrench yacht'''.split()

FIRST = '''Ada Adam Agnes Alan Alice Amara Amir Amos Andre Anna Anton Ariel Arthur Asha Astrid Basil Beatrice Benjamin Bertha
Boris Bridget Bruno Camille Carla Carmen Cecil Chen Clara Clement Conrad Cora Cyrus Dalia Daniel Daphne Darius David
Delia Dennis Diana Dmitri Dora Dorothy Edgar Edith Edmund Elena Eli Elias Eliza Ella Elsa Emil Emma Enid Erik Esther
Ethan Eva Evelyn Farah Felix Fiona Flora Frances Frank Freya Gavin George Gita Gloria Grace Greta Gustav Hana Hannah
Harold Hector Helen Henrik Hilda Hiro Hugo Ida Igor Imani Inga Ingrid Iris Irma Isaac Ivan Ivy Jack Jacob James Jane
Jasper Jin Joan Joel John Jonas Josef Joyce Judith Julia June Kai Karen Karim Karl Kenji Klara Lars Laura Lena Leo Leon
Lila Linda Lionel Lois Lucas Lucia Lydia Mabel Magda Malik Marco Margaret Maria Mark Martha Martin Mary Maud Maya Mei
Mila Milo Mina Miriam Mona Myra Nadia Nathan Nell Nina Noah Nora Olga Oliver Omar Oscar Otto Pablo Paul Paula Pearl
Peter Petra Philip Phoebe Priya Quentin Rachel Ralph Raven Rex Rhoda Rita Robert Rosa Rosalind Rufus Ruth Sam Samira
Sara Selma Seth Sigrid Silas Simon Sofia Stella Stephen Sven Sybil Tara Tessa Thea Theo Thomas Tobias Tomas Una Ursula
Vera Victor Viola Walter Wanda Willa Xavier Yara Yusuf Yvonne Zara Zelda Zoe'''.split()

LAST = '''Abbott Adler Ahmed Albright Almeida Anders Archer Ashby Atkins Bailey Banks Barlow Barnes Bauer Beck Bell Benson
Berg Bishop Blake Bloom Booth Bradley Brandt Brooks Bryce Burke Byrne Calder Carr Carver Castle Chandra Chen Chopra Clarke
Cole Conway Costa Cramer Crane Cross Curtis Dalton Darcy Davies Dean Delgado Dixon Dorsey Doyle Drake Duarte Dunn Easton
Eaton Ellis Emerson Farley Ferrari Field Finch Fisher Fleming Flynn Forbes Foster Fox Frost Fuller Garcia Gates Gibbs
Gill Glover Grant Graves Green Grover Gupta Haas Hale Hansen Hardy Harper Hart Hayes Heath Henley Hill Holm Holt Hopkins
Horn Howe Hughes Hunt Ibrahim Ives Jansen Jarvis Jensen Joyce Kane Kaplan Keller Kemp Kent Khan King Klein Knight Koch
Kovac Lamb Lane Larsen Lawson Lee Lind Lloyd Lopez Lowe Lund Lynch Mace Malone Marsh Mason Mercer Meyer Mills Moore
Moran Morris Moss Murray Nash Nelson Newman Nolan Norris Novak Oakley Obrien Okafor Olsen Ortega Osborne Owens Pace Park
Patel Payne Pearce Perry Petrov Pike Pope Porter Price Quinn Ramos Rao Reed Reyes Rhodes Ricci Roth Rowe Russo Ryan Sato
Schmidt Shaw Silva Singh Sloan Snow Sorensen Stein Stone Suzuki Swann Sykes Tanaka Thorne Todd Torres Tucker Turner Vance
Vargas Vega Vogel Wade Walsh Ward Watts Weber Wells West Weston Wolfe Wood Wright Yates Young Zeller Zhang'''.split()

CITY = '''Amsterdam Ankara Athens Auckland Baghdad Baltimore Bangkok Barcelona Beijing Belfast Belgrade Bergen Berlin Bern
Bogota Bologna Bombay Boston Bremen Brighton Bristol Brussels Budapest Cairo Calcutta Cambridge Canberra Cardiff Chicago
Cologne Copenhagen Cork Dallas Damascus Delhi Denver Dresden Dublin Durban Edinburgh Florence Frankfurt Geneva Genoa
Ghent Glasgow Granada Halifax Hamburg Hanoi Havana Helsinki Houston Istanbul Jakarta Jerusalem Kiev Kyoto Lagos Leeds
Lima Lisbon Liverpool London Lyon Madrid Malta Manchester Manila Marseille Melbourne Miami Milan Montreal Moscow Munich
Nairobi Naples Nice Oslo Ottawa Oxford Paris Perth Prague Quebec Reykjavik Riga Rome Rotterdam Salzburg Santiago Seattle
Seoul Seville Shanghai Singapore Sofia Stockholm Sydney Tallinn Tokyo Toronto Trieste Tunis Turin Utrecht Valencia
Vancouver Venice Verona Vienna Vilnius Warsaw Washington York Zagreb Zurich'''.split()

PLACE = '''attic archive barn basement bakery boathouse cabin cave cellar chapel church cloister closet corridor courtyard
dining-room dock engine-room farm foundry gallery garage garret granary greenhouse hall harbour hangar hayloft hotel hut
inn kitchen laboratory larder laundry library lighthouse loft mansion market mill museum nursery observatory office
orchard palace pantry parlour pavilion pharmacy porch quarry school shed shop shrine stable station storeroom studio
study theatre tower tunnel vault vestry villa warehouse wharf workshop'''.split()
COLOR = '''red blue green yellow orange purple violet black white gray silver gold pink brown turquoise crimson scarlet navy
teal olive maroon beige cream indigo lavender magenta amber coral'''.split()
JOB = '''accountant actor architect astronomer baker banker barber blacksmith botanist bookseller brewer butcher captain
carpenter chemist clerk coach composer cook curator dancer dentist detective diver doctor driver editor electrician
engineer farmer fisherman florist forester gardener geologist glazier gravedigger historian hunter interpreter jeweller
journalist judge lawyer librarian locksmith mason mechanic merchant midwife miller miner musician nurse optician painter
pharmacist photographer pilot plumber poet porter potter printer programmer psychologist sailor sculptor secretary
shepherd shoemaker singer soldier surgeon surveyor tailor teacher translator typist undertaker veterinarian violinist
waiter watchmaker weaver welder writer zoologist'''.split()
ANIMAL = 'cat dog horse parrot rabbit tortoise goat pony hamster donkey falcon lizard canary goose pig cow sheep fox mule owl'.split()
PLURAL = '''apples arrows barrels baskets bells blankets boats bolts books boots bottles boxes bricks buckets candles chairs
chests clocks coins crates cups drums eggs flags folders hammers helmets horses jars kettles keys knives ladders lamps
lanterns letters maps mirrors oars parcels pencils pigeons pillows pipes plates ropes sacks saddles shields ships shovels
spoons stamps statues stools swords tables tents tickets tiles tools torches trees trunks vases violins wagons wheels'''.split()
MONTH = 'January February March April May June July August September October November December'.split()
DAY = 'Monday Tuesday Wednesday Thursday Friday Saturday Sunday'.split()
EVENT = '''auction ball banquet carnival ceremony celebration concert conference congress contest council dinner election
excavation exhibition expedition fair feast festival flood gathering hearing inspection launch lecture march meeting
parade performance picnic procession race rally reception recital regatta rehearsal reunion review seminar session strike
summit tour tournament trial voyage wedding workshop'''.split()
VEHICLE = 'train ferry bus coach tram shuttle steamer flight express boat caravan convoy'.split()
ORG = '''Academy Agency Alliance Association Bank Brigade Brothers Bureau Club College Committee Company Council Factory
Foundation Group Guild Hospital Institute Laboratory Library League Museum Orchestra Partners Press Project School Society
Trust Union Works'''.split()
SOFT = 'app compiler database driver editor engine gateway library parser plugin portal proxy scheduler server service toolkit'.split()
PAPER = 'letter poem report treaty will petition article essay song contract manuscript review recipe telegram map speech'.split()
FOOD = [f.replace('-', ' ') for f in '''apple-pie barley-soup black-bread cheese cherries chestnuts chocolate cider crab curry
dumplings figs ginger-cake goulash grapes ham honey lamb-stew lemonade lentils lobster mango marmalade melon mushrooms
mustard noodles olives omelette oysters pancakes pears pickles plums porridge pumpkin rice roast-duck saffron salmon
sardines sausages spinach strawberries tea toast tomatoes trout turnips walnuts yogurt'''.split()]
SPORT = '''archery badminton baseball billiards boxing chess cricket croquet curling cycling darts dominoes fencing fishing
football golf gymnastics hockey judo juggling polo rowing rugby running sailing skating skiing swimming tennis walking
wrestling yoga'''.split()
LANGS = '''Arabic Bengali Bulgarian Catalan Chinese Czech Danish Dutch English Estonian Finnish French German Greek Hebrew
Hindi Hungarian Icelandic Irish Italian Japanese Korean Latin Latvian Norwegian Persian Polish Portuguese Romanian Russian
Serbian Spanish Swahili Swedish Thai Turkish Ukrainian Urdu Welsh'''.split()
SYL = '''ba bel bor bran cal cor da dal den dor el fen fal gar gel hal har il ka kel kor la lan lor ma mar mel mor na nel nor or pel
quin ra ren ro sal sel sha tal tar tor ul va vel ver vin wen wes yor za zel'''.split()
SUFF = 'a an ar ia en is on or us eth ick ton wick ford mere dale port stead by ham holm'.split()

# ---- made-up functions ----

VERBS = '''add approve archive assign build buy cancel check clean close collect compare compress copy count create deliver deploy describe
download draw edit encode export fetch filter find fix format generate import inspect install label launch list load lock make
mark measure merge move open order pack paint pause pay pick plan post print publish pull push rank record register remove rename
repair replace request reserve reset restart resume rotate save scan schedule select sell send share show sign sort start stop
store submit sync tag test track transfer unlock update upload validate verify visit watch weigh write'''.split()
OBJECTS = '''account address agenda album alert answer appointment archive article backup badge banner batch bill block board booking branch
bucket budget build bus camera campaign card cart case certificate channel chapter chart class client cluster code comment company
contact container contract country course dashboard database dataset device diagram disk document domain door drawing driver email
employee entry error exam expense feature feed field file filter flight folder form game garden goal graph group guest guide house
image index invoice item job journal key label lamp layer lesson letter license list loan lock log machine map meal meeting member
memo menu message meter method model module movie node note object offer office order package page parcel partner patient payment
permit phone photo picture pipeline plan plant player playlist policy poll post printer process product profile project proposal
queue question quote race recipe record region report request reservation review robot room route rule sample schedule score
screen script season seat section sensor server service session shape shipment shop signal site skill slide song stage station
stock story student summary survey table tag task team template test text theme ticket token tool topic tour trade train trip user
vehicle vendor video voice volume vote wallet warehouse website window worker zone'''.split()

PARAMETERS = [(*p.split('='), t) for t, names in {
    'string': '''name=name title=text city=city owner=person email=email color=color id=id code=code path=path date=iso time=clock
language=lang label=word category=word message=text topic=word country=city file=file user=person format=word query=text phone=phone
location=city reason=text status=word material=metal comment=sentence version=version order_id=id file_name=file start_date=iso
customer_name=person''',
    'integer': '''count=int amount=int size=int limit=int width=int height=int level=int age=int year_count=int priority=int quantity=int
number=int page=int days=int weight=int speed=int max_results=int room_number=int port=int''',
    'boolean': '''urgent=bool active=bool''',
}.items() for p in names.split()]
RESULTS = [tuple(p.split('=')) for p in '''status=word id=id count=int total=int name=name owner=person date=iso time=clock price=int
city=city code=code message=text size=int color=color file=file success=bool reference=serial order_number=id next_step=text'''.split()]
