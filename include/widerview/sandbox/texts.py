"""The words of the sandbox: what three fictional firms post, what people answer, and what they answer back.

Everything here is made up. A text may hold `{weekday}` (the day it is posted on) and one more name in braces, of
which there are several fillings; each filling is a text of its own.
"""

import msgspec


class Idea(msgspec.Struct, frozen=True):
    """Something to post.

    Attributes:
        text: The words, hashtags included.
        image: What the picture shows; None for a post without one.
        link: Path on the client's website; None for a post without a link.
    """

    text: str
    image: str | None = None
    link: str | None = None


class Bank(msgspec.Struct, frozen=True, kw_only=True):
    """The words of one client.

    Attributes:
        pinned: The post that stays on top of the profile.
        templates: Everyday posts.
        fillings: What a name in braces in a template may become.
        talk: What people write under a post, and what the client answers.
        shared: Posts of others that the client passes on.
    """

    pinned: Idea
    templates: tuple[Idea, ...]
    fillings: dict[str, tuple[str, ...]]
    talk: tuple[tuple[str, str], ...]
    shared: tuple[str, ...]

    def ideas(self) -> tuple[tuple[Idea, ...], ...]:
        """Every everyday post: for each template, its fillings; `{weekday}` is left for the day."""
        return tuple(self._filled(idea) for idea in self.templates)

    def _filled(self, idea: Idea) -> tuple[Idea, ...]:
        name = next((name for name in self.fillings if f"{{{name}}}" in idea.text), None)
        if name is None:
            return (idea,)
        return tuple(
            Idea(
                idea.text.replace(f"{{{name}}}", value),
                idea.image.replace(f"{{{name}}}", value) if idea.image else None,
                idea.link,
            )
            for value in self.fillings[name]
        )


BAKERY = Bank(
    pinned=Idea(
        "Hello, we are Hollow Oak: one oven, four bakers, sourdough since 1998. Open every day from seven. "
        "Come in, it is warm.",
        image="The shop front of Hollow Oak Bakery with its green door",
    ),
    templates=(
        Idea(
            "First {bread} of the day, out at 5:40. The crust is still singing.",
            image="A {bread} cooling on a wooden rack",
        ),
        Idea(
            "A {weekday} well begun: {bread} on the shelf, coffee on, door open.", image="A {bread} on the shop shelf"
        ),
        Idea("We changed one thing in the {bread}: four hours more in the cold. Tell us if you taste it."),
        Idea(
            "Yesterday's {bread} makes the best toast. Two minutes, salted butter, nothing else.",
            image="Toast with butter on a blue plate",
        ),
        Idea("How do you keep your bread fresh: bag, box, or never long enough to matter?"),
        Idea("End piece or middle slice? The shop is divided and we need a ruling."),
        Idea("Which bread did you grow up with? We are collecting, and the best story gets baked."),
        Idea("What should the {weekday} special be next month: walnut, fennel or potato?"),
        Idea("Seeded or plain? Asking for a baker who has to fill the last tray."),
        Idea("Butter first or jam first? Keep it friendly, please.", image="Two scones, one of them wrong"),
        Idea(
            "Our starter is called Gerda. She is twenty-six, eats rye twice a day and has never missed a shift.",
            image="A jar of bubbling sourdough starter with a name tag",
        ),
        Idea("Gerda has outgrown her jar again. Bring a glass this week and take a spoonful of her home."),
        Idea("New flour is in: {grain} from the Lindner mill, forty kilometres away.", image="A sack of {grain} flour"),
        Idea("Why we pay more for {grain}: it is grown slowly and it tastes of something.", link="/journal/flour"),
        Idea(
            "Learning to shape took Yusuf three months and about nine hundred loaves. Today we could not tell "
            "his from Ida's.",
            image="Two round loaves side by side",
        ),
        Idea(
            "Meet Ida, who has opened this shop at five every {weekday} for eleven years and still hums while she "
            "scores the loaves.",
            image="Ida laughing behind the counter",
        ),
        Idea("Yusuf passed his journeyman's exam with six perfect rolls and a shaking hand. We are so proud."),
        Idea(
            "Two places are left in the evening class. You go home with a loaf and flour in your hair.", link="/classes"
        ),
        Idea("Bread class for beginners: bring an apron, we bring the patience. #Sourdough", link="/classes"),
        Idea("We wrote down the whole recipe, mistakes included. #Sourdough", link="/journal/our-sourdough"),
        Idea(
            "Six things that go wrong with a first sourdough, and why none of them matters.", link="/journal/first-loaf"
        ),
        Idea("Order by four, collect from seven: {bread} for the whole table.", link="/order"),
        Idea("Planning breakfast for twenty? We do that, and we deliver by bicycle.", link="/order"),
        Idea(
            "The oven had its yearly check. It is older than all of us and in better shape.",
            image="The open door of an old stone oven",
        ),
        Idea("The cinnamon buns sold out by nine. More tomorrow, we promise.", image="An empty tray with a few crumbs"),
        Idea("Rain outside, cardamom inside. Come and get dry.", image="Steamed-up bakery window"),
        Idea("Everything left at closing goes to the Sunday Table kitchen. Last month that was 214 loaves."),
        Idea("A regular came in with a sketch of our shop. It hangs beside the till now.", image="A pencil sketch"),
        Idea(
            "Small thing, big joy: the new bread bags are here, and they are green.",
            image="A stack of green paper bags",
        ),
        Idea("Today in the window: {bread}, plum slice, and a cat who does not work here."),
        Idea("Quiet hour is from two to three. Good coffee, no queue, and time for questions."),
        Idea("To whoever returned the lost umbrella: your bun is on us."),
    ),
    fillings={
        "bread": ("rye and caraway", "country sourdough", "spelt loaf", "potato bread", "seeded rye"),
        "grain": ("emmer", "einkorn", "old rye"),
    },
    talk=(
        ("This looks wonderful. Do you ship?", "Thank you! Not yet: it travels badly, so come and visit us instead."),
        ("End piece, always.", "A person of taste. Noted."),
        ("Is there a version without nuts?", "Yes, the plain one is made on its own table, before the nuts come out."),
        ("We had this for breakfast. Gone in ten minutes.", "That is the best review we know."),
        ("What time does it sell out?", "Most days around eleven. Ring us and we keep one for you."),
        ("My grandmother made one just like it.", "We would love to hear how. Did she use a tin?"),
        ("Can I freeze it?", "Sliced, yes. Straight into the toaster afterwards."),
        ("How is Gerda?", "Bubbly. She sends her regards."),
        ("I can smell it through the screen.", "Then the new window fan works."),
        ("Took the class last month, still baking every weekend.", "Oh, that makes us happy. Send a picture!"),
        ("Are you open on the holiday?", "From eight to noon, yes."),
        ("Jam first, obviously.", "We admire the courage."),
        ("Which flour would you take for a first try?", "Plain wheat, strong, nothing fancy. Rye comes later."),
        ("The queue was out of the door!", "Sorry about the wait, and thank you for staying in it."),
        ("Is the rye vegan?", "Flour, water, salt and Gerda. So: yes."),
        ("Saving this for the weekend.", "Tell us how it goes."),
    ),
    shared=(
        "Saturday market is on, rain or shine. Forty stalls, and the good bread is by the fountain.",
        "We cooked for 120 people this week, with bread from three bakeries in the quarter. Thank you.",
        "New harvest is milled. Come and see the stones turn, the door is open all week.",
        "The street library has moved: it is now beside the green door of the bakery.",
        "A guide to the quarter's oldest shops, drawn by the children of class 4b.",
    ),
)

WINTER_LOAF: tuple[tuple[int, str, Idea], ...] = (
    (
        -14,
        "08:05",
        Idea(
            "It is back: the Winter Loaf. Dark rye, roasted hazelnut, dried pear. Four weeks, then it sleeps again. "
            "#WinterLoaf",
            image="A dark round loaf dusted with flour, cut open",
            link="/winter-loaf",
        ),
    ),
    (-13, "12:15", Idea("Why pear? Because Ida's father had one tree and no idea what to do with it. #WinterLoaf")),
    (
        -11,
        "07:50",
        Idea(
            "The posters are up at the market hall. The one by the fountain has a code: scan it and a loaf is kept "
            "for you. #WinterLoaf",
            image="A poster of a dark loaf on a brick wall",
        ),
    ),
    (
        -9,
        "16:30",
        Idea("Winter Loaf, thick butter, flaky salt. That is the whole recipe. #WinterLoaf", image="A slice"),
    ),
    (-8, "09:30", Idea("Sweet or savoury: how do you eat your #WinterLoaf?")),
    (
        -7,
        "08:00",
        Idea(
            "This Saturday we bake together: the bake-along, live from our kitchen, free for everyone. Bring a bowl. "
            "#WinterLoaf",
            image="Six pairs of hands in flour",
            link="/bake-along",
        ),
    ),
    (
        -5,
        "12:00",
        Idea("The shopping list for the bake-along is out. Nothing you cannot find. #WinterLoaf", link="/bake-along"),
    ),
    (-4, "17:40", Idea("No rye at home? Half wheat works too. Ask us anything before Saturday. #WinterLoaf")),
    (-3, "08:10", Idea("Tomorrow at ten. Starter fed, camera dusted, Yusuf nervous. #WinterLoaf", link="/bake-along")),
    (
        -2,
        "09:15",
        Idea(
            "We go live in 45 minutes. Who is baking with us, and from where? #WinterLoaf",
            image="A kitchen table with bowls, flour and a camera",
            link="/bake-along",
        ),
    ),
    (
        -2,
        "15:20",
        Idea(
            "Hundreds of loaves in hundreds of kitchens. We have been grinning for hours. Show us yours! #WinterLoaf",
            image="A wall of photos of home-baked loaves",
        ),
    ),
    (-1, "10:30", Idea("Your loaves. We looked at every single one. Thank you for this weekend. #WinterLoaf")),
    (2, "12:10", Idea("The bake-along to watch again, with Ida's notes. #WinterLoaf", link="/bake-along")),
    (
        5,
        "08:20",
        Idea("Good news for late risers: the #WinterLoaf stays for one more week.", image="A stack of dark loaves"),
    ),
    (
        9,
        "16:45",
        Idea("The last pears are drying. When they are gone, they are gone. #WinterLoaf", link="/winter-loaf"),
    ),
    (
        13,
        "09:40",
        Idea("Last day of the #WinterLoaf. See you next year, old friend.", image="One last loaf on the rack"),
    ),
)
"""The campaign's own posts: days from the anchor, time of day, and what is posted."""

BIKES = Bank(
    pinned=Idea(
        "Tidewater Cycles, by the harbour. We mend, we fit, we lend you a bike while yours is in. "
        "Ask us anything, that is what we are here for.",
        image="A workshop with bicycles hanging from the ceiling",
    ),
    templates=(
        Idea(
            "On the stand this {weekday}: {bike} with a squeak nobody could find. It was the saddle rail. It always is."
        ),
        Idea("Before and after: {bike} that spent nine years in a shed.", image="{bike}, first rusty, then gleaming"),
        Idea("When to change your {part}, in one picture.", image="Worn and new {part} side by side"),
        Idea("Five-minute check: {part}. Your knees will thank you.", link="/guides/five-minutes"),
        Idea("A customer asked how long {part} should last. Honest answer: it depends on the salt. Rinse it."),
        Idea("Free tyre pumps, all day, outside the door. No need to come in, but the dog would like it if you did."),
        Idea("What is the sound your bike makes? Describe it badly and we will diagnose it."),
        Idea("Mudguards: yes, or character building?"),
        Idea("Which repair would you like to learn yourself? We are planning the next evenings."),
        Idea("What is in your saddlebag that you have never used?"),
        Idea("Flat pedals or clipless for a commute of twenty minutes? We have opinions. You first."),
        Idea("Ask a mechanic, {weekday} edition. Go on, there are no silly questions."),
        Idea("Steel or aluminium for a first tourer? Tell us your hills and we tell you ours."),
        Idea("The coast road is open again. Smooth as glass to the lighthouse.", image="An empty road by the sea"),
        Idea("Rode in against the wind, will ride home against the wind. Harbour life.", image="A bicycle on the quay"),
        Idea(
            "Ciarán built this wheel blindfolded for a bet. It is true within half a millimetre.",
            image="A bicycle wheel",
        ),
        Idea(
            "Meet Aoife: twelve years a mechanic, and the calmest hands on the quay.", image="Aoife at the truing stand"
        ),
        Idea("Our loan bikes have a name each. Today Maeve is out, Finn is resting.", image="Two blue loan bicycles"),
        Idea(
            "Cargo bike test rides every {weekday}. Bring the children, or the shopping, or both.", link="/test-rides"
        ),
        Idea("We timed it: harbour to market is nine minutes by bike, fourteen by car, plus parking."),
        Idea("Secondhand, checked and guaranteed for a year: {bike}.", image="{bike} in the shop window", link="/used"),
        Idea("New on the used page: {bike}. First come, first served.", link="/used"),
        Idea("The repair evening was full: eleven punctures, two gear cables and one proposal. She said yes."),
        Idea("Repair evening: bring the bike, we bring stands and tea.", link="/evenings"),
        Idea("How to lock a bike so that it is there afterwards. #CycleToWork", link="/guides/locking"),
        Idea("Lights on. Even at four. Especially at four.", image="A row of bicycle lights"),
        Idea("A child's first bike should weigh less than the child. Ours start at four kilos.", link="/kids"),
        Idea("We do not sell what we would not ride."),
        Idea("Chain oil is not a personality. Two drops a link, wipe, done.", image="A hand wiping a chain"),
        Idea("Winter tyres for bikes exist, and they are brilliant.", image="A studded bicycle tyre"),
        Idea("Somebody paid for the next person's puncture. That person was a paramedic. Good {weekday}."),
        Idea("New stock of {part}. The good ones.", image="A box of {part}"),
        Idea(
            "Commuters: your {weekday} service slot can be before eight. Coffee included. #CycleToWork", link="/service"
        ),
        Idea("The shop dog has learnt to ring the bell. We regret everything.", image="A brown dog beside a bicycle"),
    ),
    fillings={
        "bike": ("a green 1978 tourer", "a folding commuter", "a cargo bike called Bertha", "a red ten-speed"),
        "part": ("brake pads", "chain rings", "bottom brackets", "tubeless valves"),
    },
    talk=(
        ("Mine clicks, but only uphill.", "Pedal or bottom bracket. Try it standing, and tell us if it stops."),
        ("How often should I change the chain?", "Measure it: at 0.75 percent wear it goes. We check for free."),
        ("Do you service e-bikes?", "Most of them. Send us the make and we say honestly."),
        ("Mudguards, yes. I work in an office.", "A wise and dry person."),
        ("You saved my commute last week, thank you.", "That is what the early slot is for. Safe riding."),
        ("Is the loan bike free?", "While yours is with us, yes."),
        ("What pressure for 32 mm tyres?", "Around 4 bar in front, 4.5 behind. Less in the wet."),
        ("Any cargo bikes left to test?", "Two this week. Pick a time on the page, or just come by."),
        ("I still have not fixed mine.", "Bring it. Nobody here has ever judged a bike out loud."),
        ("Do you buy old frames?", "If they are straight, gladly. A photo helps."),
        ("The dog rang at me yesterday.", "We apologise on her behalf. She is very pleased with herself."),
        ("Is the coast road really clear?", "Rode it this morning: clean all the way."),
        ("Can I watch while you repair it?", "Please do, there is a stool for that."),
        ("Clipless, after one week of falling over.", "We all fell. Some of us at traffic lights."),
        ("What about belt drives?", "Lovely and quiet, if your frame opens. Come and try one."),
        ("Which lock do you use?", "A heavy one, and a second one for the wheel."),
        ("Steel. It is always steel.", "The workshop nods."),
    ),
    shared=(
        "New bike counter on the quay: 2,140 riders on its first day.",
        "Family ride along the canal, ten kilometres, ends with soup. Everybody welcome.",
        "The council has opened the plan for the school lanes. Comments until the end of the month.",
        "Lost and found: one very small helmet with a dinosaur, at the harbour office.",
        "Thank you to the workshop that fixed nine of our delivery bikes before breakfast.",
    ),
)

AGENCY = Bank(
    pinned=Idea("Lantern Lane is a small agency for firms with something to say. We read the comments.", link="/about"),
    templates=(
        Idea("The cobbler's children, part {number}: we are finally writing our own newsletter."),
        Idea("What we learnt about {topic}, in four minutes.", link="/notes"),
        Idea("A note on {topic}: fewer things, done longer.", link="/notes"),
        Idea("Whiteboard of the week: {topic}.", image="A whiteboard full of arrows"),
        Idea("Unpopular opinion about {topic}: most of it can wait until {weekday}."),
        Idea("Three questions we ask before any campaign. The third one is: who will answer the replies?"),
        Idea("A report should fit on one page and still say what is not known."),
        Idea("If nobody would miss the post, do not post it. (Yes, we know how quiet this account is.)"),
        Idea("Client won, cake eaten, back to work.", image="Half a chocolate cake"),
        Idea("The best brief we got this year was one sentence long."),
        Idea("What did you stop doing this year, and did anybody notice?"),
        Idea("New in the team: Priya, who asks why twice and then draws it.", image="Priya at a sunny desk"),
        Idea("We are looking for a writer who likes numbers, or the other way round.", link="/jobs"),
        Idea("Posters still work. Put a code on them and find out which ones.", link="/notes/posters"),
        Idea("How we count a poster: one code, one page, one honest table.", link="/notes/posters"),
        Idea("Reading on the train: a very old book about shop windows.", image="A worn book on a train table"),
        Idea("Our studio plant has more visitors than our website. Working on it.", image="A large fern"),
        Idea("A good week for a client is a good week for us. This one was a bakery."),
        Idea("Small talk with a printer about paper weights. Best hour of the {weekday}."),
        Idea("We retired a dashboard today. Nobody had opened it for months."),
        Idea("The lane's lantern is lit again, after two years of forms.", image="A street lantern at dusk"),
        Idea("Lunch and learn: alt texts, written for people.", link="/notes/alt-texts"),
        Idea("Ask before you measure: what will you do differently if the number is low?"),
        Idea("Thank you for a kind {weekday}, {number} coffees and one decision."),
    ),
    fillings={
        "topic": (
            "community management", "posting times", "small budgets", "seasonal campaigns", "alt texts", "plain words",
        ),
        "number": ("three", "four", "five", "six"),
    },
    talk=(
        ("Hear, hear.", "Thank you! Tell your dashboard."),
        ("Is the job remote?", "Two days in the lane, three where you like."),
        ("Which code generator do you use?", "Any that makes a plain one. The link behind it matters more."),
        ("Good to see you back here.", "Good to be back. We say that every month."),
        ("Save me a slice.", "Too late, sorry."),
        ("Will the note be a newsletter?", "Soon. Truly."),
    ),
    shared=(
        "Our shop has a new sign. Thank you to everybody who argued about the font.",
        "Open studio on the lane this month, eleven doors, one lantern.",
        "The talk about small brands is online, with a transcript.",
    ),
)  # fmt: skip

PEOPLE: tuple[tuple[str, str], ...] = (
    ("mira", "Mira Holt"), ("jonas", "Jonas Weide"), ("saoirse", "Saoirse Byrne"), ("tomasz", "Tomasz Lis"),
    ("leila", "Leila Amari"), ("ben", "Ben Okafor"), ("ines", "Inês Prado"), ("paul", "Paul Rasch"),
    ("hanne", "Hanne Voss"), ("dara", "Dara Quinn"), ("kofi", "Kofi Mensah"), ("elif", "Elif Kaya"),
    ("rosa", "Rosa Lindt"), ("owen", "Owen Pryce"), ("yuki", "Yuki Mori"), ("clara", "Clara Bohm"),
    ("niall", "Niall Keane"), ("aisha", "Aisha Rahman"), ("piet", "Piet de Vos"), ("vera", "Vera Nowak"),
)  # fmt: skip
"""Fictional people who comment: the name of their account, and theirs."""

COMPLAINTS: tuple[str, ...] = (
    "So this is how you treat people who trusted you?",
    "I read what happened on Saturday. Is nobody going to say anything?",
    "Three messages, no answer. Shame on you.",
    "You should take this post down and say sorry first.",
    "I used to tell all my friends about you. Not any more.",
    "Please tell us your side. Silence does not look good.",
)
"""What people write when many pile on at once."""

NEIGHBOURS: tuple[tuple[str, str], ...] = (
    ("markethall", "The Market Hall"), ("quarterpost", "Quarter Post"), ("openkitchen", "Open Kitchen"),
    ("harbourradio", "Harbour Radio"), ("lanepress", "Lane Press"),
)  # fmt: skip
"""Fictional neighbours whose posts are passed on."""

QUERIES: dict[str, tuple[str, ...]] = {
    "hollow-oak-bakery": (
        "hollow oak bakery", "bakery near me", "sourdough bread", "hollow oak opening hours", "rye bread recipe",
        "winter loaf", "bread baking class", "sourdough starter", "bakery open sunday",
    ),
    "tidewater-cycles": (
        "tidewater cycles", "bike repair harbour", "bicycle shop near me", "bike service price", "cargo bike test ride",
        "used bicycles", "how to lock a bike", "tubeless valve change",
    ),
    "lantern-lane": (
        "lantern lane", "small marketing agency", "poster qr code tracking", "alt text guide", "agency jobs writer",
    ),
}  # fmt: skip
"""What people search for when a client's website turns up, the most frequent first."""
