"""The words of captions: synonyms of everything that a scene can hold, and words that carry no meaning."""

THING_WORDS: dict[str, tuple[str, ...]] = {
    "ball": ("ball", "ball", "circle", "sphere", "disc", "disk", "orb", "round ball", "globe"),
    "box": ("box", "box", "square", "cube", "block", "crate"),
    "triangle": ("triangle", "triangle", "pyramid"),
    "star": ("star",),
    "heart": ("heart", "heart", "love heart"),
    "ring": ("ring", "ring", "donut", "doughnut", "hoop"),
    "house": ("house", "house", "home", "hut", "cottage", "cabin", "building", "barn"),
    "tree": ("tree", "tree", "oak", "bush", "oak tree"),
    "sun": ("sun", "sun", "shining sun"),
    "moon": ("moon", "moon", "crescent", "crescent moon", "half moon"),
    "flower": ("flower", "flower", "daisy", "blossom", "rose", "tulip"),
    "mountain": ("mountain", "mountain", "peak", "hill", "mountain peak"),
    "boat": ("boat", "boat", "ship", "sailboat", "sailing boat", "yacht"),
    "fish": ("fish", "fish", "goldfish", "trout"),
    "cloud": ("cloud", "cloud", "fluffy cloud"),
    "car": ("car", "car", "automobile", "vehicle", "auto"),
    "mushroom": ("mushroom", "mushroom", "toadstool"),
    "balloon": ("balloon", "balloon", "air balloon"),
    "cat": ("cat", "cat", "kitten", "kitty", "cat face"),
    "apple": ("apple", "apple", "fruit"),
}

PLURALS = {"daisy": "daisies", "fish": "fish", "goldfish": "goldfish", "trout": "trout", "kitty": "kitties",
           "bush": "bushes", "box": "boxes"}  # fmt: skip

COLOR_WORDS: dict[str, tuple[str, ...]] = {
    "red": ("red", "red", "red", "scarlet", "crimson", "ruby"),
    "orange": ("orange", "orange", "orange", "tangerine", "amber"),
    "yellow": ("yellow", "yellow", "yellow", "golden", "gold", "lemon"),
    "green": ("green", "green", "green", "emerald", "lime", "olive"),
    "blue": ("blue", "blue", "blue", "azure", "navy", "cobalt", "navy blue", "sky blue", "turquoise"),
    "purple": ("purple", "purple", "purple", "violet", "lilac", "lavender"),
    "pink": ("pink", "pink", "pink", "magenta", "rosy", "fuchsia"),
    "brown": ("brown", "brown", "brown", "chocolate", "tan"),
    "black": ("black", "black", "black", "ebony", "jet black"),
    "white": ("white", "white", "white", "ivory", "snow white"),
    "grey": ("grey", "gray", "grey", "gray", "silver"),
}
TINTS = ("light", "dark", "bright", "deep", "pale", "vivid")

SIZE_WORDS: dict[str, tuple[str, ...]] = {
    "small": ("small", "small", "little", "tiny", "mini", "very small"),
    "medium": ("medium", "medium sized", "normal", "regular"),
    "large": ("large", "big", "big", "huge", "giant", "enormous", "very big"),
}

POSITION_WORDS: dict[str, tuple[str, ...]] = {
    "middle": (
        "in the middle", "in the center", "in the centre", "centered", "centred", "at the center",
        "in the middle of the picture",
    ),
    "left": (
        "on the left", "at the left", "to the left", "on the left side", "left", "at the left edge",
        "on the left hand side",
    ),
    "right": (
        "on the right", "at the right", "to the right", "on the right side", "right", "at the right edge",
        "on the right hand side",
    ),
    "top": (
        "at the top", "on top", "in the upper part", "at the upper edge", "up high", "top",
        "in the top half",
    ),
    "bottom": (
        "at the bottom", "in the lower part", "at the lower edge", "down low", "bottom",
        "in the bottom half",
    ),
    "top left": (
        "in the top left corner", "in the upper left corner", "at the top left", "top left", "upper left",
        "in the top left",
    ),
    "top right": (
        "in the top right corner", "in the upper right corner", "at the top right", "top right",
        "upper right", "in the top right",
    ),
    "bottom left": (
        "in the bottom left corner", "in the lower left corner", "at the bottom left", "bottom left",
        "lower left", "in the bottom left",
    ),
    "bottom right": (
        "in the bottom right corner", "in the lower right corner", "at the bottom right", "bottom right",
        "lower right", "in the bottom right",
    ),
}  # fmt: skip

LANDSCAPE_PHRASES: dict[str, tuple[str, ...]] = {
    "meadow": (
        "on a meadow", "in a meadow", "on the grass", "on green grass", "in a field", "in a green field",
        "in the park", "in the garden", "in the countryside", "on a lawn", "on a sunny day", "in summer",
        "in spring", "outdoors", "with sky and grass", "between sky and grass",
        "with green grass and blue sky", "under a blue sky", "on a sunny meadow", "in nature",
        "on grass under a blue sky", "with grass and sky behind it",
    ),
    "sea": (
        "at sea", "on the sea", "in the sea", "by the sea", "at the seaside", "on the ocean", "in the ocean",
        "on the water", "in the water", "on the waves", "on a lake", "on the blue sea", "at the beach",
        "on the beach", "with water and waves", "over the sea", "over the ocean", "swimming in the sea",
        "on the open sea",
    ),
    "night": (
        "at night", "in the night", "by night", "at midnight", "in the dark", "under the stars",
        "under a starry sky", "in the night sky", "on a starry night", "with stars in the sky", "in space",
        "on a dark night", "with a night sky", "in the moonlight",
    ),
    "sunset": (
        "at sunset", "at dusk", "in the evening", "at sundown", "at sunrise", "at dawn",
        "in the evening light", "in the sunset", "with a sunset behind it", "in front of a sunset",
        "under an orange sunset sky", "during sunset",
    ),
    "snow": (
        "in the snow", "on snow", "on a snowy day", "in winter", "on a winter day", "in a snowy landscape",
        "on white snow", "while it is snowing", "with snow", "in the cold snow", "in a blizzard",
        "on the ice", "with snow behind it", "in falling snow",
    ),
    "desert": (
        "in the desert", "in a desert", "on the sand", "on sand", "on a dune", "on the dunes",
        "on sand dunes", "in the hot desert", "in the sandy desert", "with desert behind it",
        "on yellow sand",
    ),
    "sky": (
        "in the sky", "high in the sky", "in the air", "in the blue sky", "against the sky",
        "flying in the sky", "up in the air", "against a blue sky", "with only sky behind it",
        "floating in the air", "up in the sky",
    ),
}  # fmt: skip

LANDSCAPE_NOUNS: dict[str, tuple[str, ...]] = {
    "meadow": (
        "meadow",
        "grass",
        "grass and sky",
        "sky and grass",
        "field",
        "garden",
        "park",
        "grassland",
        "summer",
    ),
    "sea": ("sea", "ocean", "water", "lake", "beach", "seaside", "sea and waves"),
    "night": ("night", "night sky", "starry night", "starry sky", "midnight", "space", "dark night"),
    "sunset": ("sunset", "sunrise", "evening", "dusk", "sunset sky", "evening sky", "dawn"),
    "snow": (
        "snow",
        "winter",
        "snowy",
        "snowy day",
        "winter day",
        "snow landscape",
        "snowy landscape",
        "blizzard",
    ),
    "desert": ("desert", "sand", "dunes", "sandy", "sand dunes", "desert landscape"),
    "sky": ("sky", "blue sky", "clear sky", "air"),
}

OTHER_THINGS = (
    "dog",
    "bird",
    "horse",
    "person",
    "man",
    "robot",
    "chair",
    "table",
    "bottle",
    "train",
    "hat",
    "dragon",
)
"""Named only in wordings of a change, as what was there before."""

PREFIXES = (
    "a picture of", "picture of", "an image of", "image of", "a drawing of", "drawing of", "a painting of",
    "a photo of", "an illustration of", "illustration of", "a cartoon of", "a sketch of", "draw",
    "please draw", "draw me", "paint", "please paint", "paint me", "show me", "show", "please show",
    "i want", "i want to see", "i would like", "i need", "give me", "create", "make", "make a picture of",
    "please make a picture of", "generate", "generate an image of", "can you draw", "could you please draw",
    "imagine", "there is", "here is", "this is", "it shows", "we see", "let me see", "a simple picture of",
    "a simple drawing of", "a scene with", "a picture with", "picture showing", "an icon of", "clip art of",
    "a beautiful", "design", "render", "depict", "just", "only", "hello, draw", "ok, draw", "how about",
)  # fmt: skip

SUFFIXES = (
    "please", "thanks", "thank you", "in a simple style", "simple", "flat design", "minimal", "minimalist",
    "cartoon style", "cartoon", "vector art", "high quality", "best quality", "highly detailed", "detailed",
    "4k", "8k", "masterpiece", "for my child", "for a card", "simple and clean", "clean", "for kids",
    "children book style", "nice and simple", "very beautiful", "beautiful", "digital art", "nothing else",
    "and nothing else", "sharp", "crisp", "colorful", "as an icon", "in the picture", "in this picture",
    "trending", "professional", "pretty", "cute", "lovely", "isolated", "alone",
)  # fmt: skip

NOISE_WORDS = (
    "photorealistic", "cinematic", "lighting", "ultra", "render", "octane", "artstation", "style", "studio",
    "realistic", "soft", "shadow", "light", "bokeh", "portrait", "wide", "angle", "lens", "retro", "modern",
    "happy", "funny", "old", "new", "fresh", "wooden", "metal", "glass", "shiny", "plastic", "magic",
    "wonderful", "great", "amazing",
)  # fmt: skip
"""Words with no effect on a scene, put into some captions so that unknown words do little harm."""
