"""What the robot says in the chat, in four languages. Pure."""

from typing import Final

_FALLBACK: Final = "en"

_GREETING: Final = {
    "en": "Hello, I am the robot. You see my clock and hear my tone; I see your picture. Write me something!",
    "de": "Hallo, ich bin der Roboter. Sie sehen meine Uhr und hören meinen Ton; ich sehe Ihr Bild. "
    "Schreiben Sie mir etwas!",
    "fr": "Bonjour, je suis le robot. Vous voyez mon horloge et entendez mon signal ; je vois votre image. "
    "Écrivez-moi !",
    "it": "Buongiorno, sono il robot. Lei vede il mio orologio e sente il mio segnale; io vedo la Sua "
    "immagine. Mi scriva!",
}
_SEEN: Final = {
    "en": "I have received {frames} pictures from you so far.",
    "de": "Bis jetzt habe ich {frames} Bilder von Ihnen erhalten.",
    "fr": "Jusqu'ici, j'ai reçu {frames} images de votre part.",
    "it": "Finora ho ricevuto {frames} immagini da Lei.",
}
_COST: Final = {
    "en": "The timer counts only while pictures or sound really flow both ways. Hang up whenever you like.",
    "de": "Die Uhr zählt nur, solange Bild oder Ton wirklich in beide Richtungen fliesst. "
    "Legen Sie auf, wann Sie möchten.",
    "fr": "Le temps ne compte que si l'image ou le son passe vraiment dans les deux sens. "
    "Raccrochez quand vous voulez.",
    "it": "Il tempo conta solo quando immagine o suono passano davvero in entrambe le direzioni. "
    "Riagganci quando vuole.",
}
_COST_WORDS: Final = ("cost", "price", "pay", "bill", "kost", "preis", "zahl", "coût", "prix", "pay", "prezz")


def greeting(locale: str) -> str:
    """Return the first line of the robot."""
    return _in_language(_GREETING, locale)


def reply(text: str, locale: str, frames: int) -> str:
    """Return the answer to a line: about money when asked about it, else what the robot sees."""
    if any(word in text.casefold() for word in _COST_WORDS):
        return _in_language(_COST, locale)
    return _in_language(_SEEN, locale).format(frames=frames)


def _in_language(texts: dict[str, str], locale: str) -> str:
    return texts.get(locale.split("-", maxsplit=1)[0].casefold(), texts[_FALLBACK])
