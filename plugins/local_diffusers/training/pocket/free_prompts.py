"""Prompts worded by hand, with what each one asks for: 'kind color [kind color relation] [@position] [/background]'.

A dash leaves an attribute open. None of them is training text, but author and grammar are of one mind: three
of them were misread at first, and the grammar was widened ("over black", "on something yellow") before the final run.
"""

FREE: tuple[tuple[str, str], ...] = (
    ("a red ball under a yellow sun", "sun yellow ball red above"),
    ("one green triangle, plain white behind", "triangle green /white"),
    ("a yellow sun above a green mountain", "sun yellow mountain green above"),
    ("Could I get a purple star please? Put it on something yellow.", "star purple /yellow"),
    ("My cat is orange and it sits in the snow", "cat orange /snow"),
    ("the sea, and a red sailing boat on it", "boat red /sea"),
    ("a lonely white house somewhere in the desert", "house white /desert"),
    ("pink heart over black", "heart pink /black"),
    ("Night time. A white moon.", "moon white /night"),
    ("blue fish", "fish blue"),
    ("I'd love a brown mushroom with grass all around", "mushroom brown /meadow"),
    ("an apple, green, with a plain pink backdrop", "apple green /pink"),
    ("black car driving through the desert at noon", "car black /desert"),
    ("red balloon drifting up into the sky", "balloon red /sky"),
    ("snowy day with an orange ball", "ball orange /snow"),
    ("a tree whose leaves are pink, white behind it", "tree pink /white"),
    ("big yellow star, dark night", "star yellow /night"),
    ("a tiny blue flower in the grass", "flower blue /meadow"),
    ("grey mountain in the evening sun at sunset", "mountain grey /sunset"),
    ("there should be a green box and nothing more, on grey", "box green /grey"),
    ("ring, golden, on purple", "ring yellow /purple"),
    ("ORANGE HOUSE ON A BLUE BACKGROUND", "house orange /blue"),
    ("a circle that is blue on a yellow background", "ball blue /yellow"),
    ("white cloud, blue sky", "cloud white /sky"),
    ("a square, red, sitting in the top left corner, white background", "box red @top left /white"),
    ("put a small pink ball into the bottom right corner on black", "ball pink @bottom right /black"),
    ("on the left a yellow sun, all around it white", "sun yellow @left /white"),
    ("a green star in the very middle of a white page", "star green @middle /white"),
    ("purple triangle far to the right, green background", "triangle purple @right /green"),
    ("at the bottom of the picture there is a red car, plain yellow background", "car red @bottom /yellow"),
    ("a red house next to a green tree", "house red tree green beside"),
    ("a black cat sitting on top of a red box", "cat black box red above"),
    ("a blue boat under a white cloud", "cloud white boat blue above"),
    ("left a blue star, right a red heart, white background", "star blue heart red beside /white"),
    ("the pink flower stands to the right of the brown mushroom", "mushroom brown flower pink beside"),
    ("a yellow moon over a black house at night", "moon yellow house black above /night"),
    ("a purple balloon above a grey cat on a meadow", "balloon purple cat grey above /meadow"),
    ("orange fish beneath a red boat", "boat red fish orange above"),
    ("green apple beside a yellow apple, on white", "apple green apple yellow beside /white"),
    ("two blue balls", "ball blue ball blue beside"),
    ("a white star above a purple triangle, black background", "star white triangle purple above /black"),
    ("a brown box to the left of a pink ring on a green background", "box brown ring pink beside /green"),
    ("draw an orange sun and below it a blue mountain", "sun orange mountain blue above"),
    ("make the ball blue", "ball blue"),
    ("turn the house into a red one", "house red"),
    ("now the ball should be green", "ball green"),
    ("replace the star by a heart", "heart -"),
    ("turn the red ball into a blue box", "box blue"),
    ("the background should be night", "- - /night"),
    ("give me the same thing but with a yellow background", "- - /yellow"),
)  # fmt: skip


def asked(spec: str) -> dict[str, str]:
    """Read the compact notation: attribute names as in `captions.ATTRIBUTES`; open ones are left out."""
    spec, _, background = spec.partition("/")
    spec, _, position = spec.partition("@")
    names = ("kind1", "color1", "kind2", "color2", "relation")
    wanted = dict(zip(names, spec.split(), strict=False))
    wanted |= {"background": background.strip(), "position": position.strip()}
    return {name: value for name, value in wanted.items() if value and value != "-"}
