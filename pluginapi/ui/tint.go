package ui

// Tint is a quiet colour that tells kinds of things or people apart. It decorates: what it tells is always written beside it as well.
type Tint uint8

// The tints. Their foreground and background have a contrast of at least 4.5:1 in both themes.
const (
	TintGray Tint = iota
	TintBlue
	TintTeal
	TintGreen
	TintAmber
	TintRed
	TintPink
	TintViolet
)

const tintCount = TintViolet + 1

// TintOf picks a tint for a name, always the same one, never gray.
func TintOf(name string) Tint {
	hash := uint32(2166136261) // FNV-1a
	for i := range len(name) {
		hash = (hash ^ uint32(name[i])) * 16777619
	}
	return TintBlue + Tint(hash%uint32(tintCount-1))
}

func (t Tint) class() string {
	switch t {
	case TintBlue:
		return "ui-tint-blue"
	case TintTeal:
		return "ui-tint-teal"
	case TintGreen:
		return "ui-tint-green"
	case TintAmber:
		return "ui-tint-amber"
	case TintRed:
		return "ui-tint-red"
	case TintPink:
		return "ui-tint-pink"
	case TintViolet:
		return "ui-tint-violet"
	}
	return "ui-tint-gray"
}

// Tone says how a badge, a notice or a button is meant.
type Tone uint8

// The tones.
const (
	ToneNeutral Tone = iota
	ToneInfo
	ToneSuccess
	ToneWarning
	ToneDanger
)

func (t Tone) name() string {
	switch t {
	case ToneInfo:
		return "info"
	case ToneSuccess:
		return "success"
	case ToneWarning:
		return "warning"
	case ToneDanger:
		return "danger"
	}
	return "neutral"
}

func (t Tone) icon() string {
	switch t {
	case ToneSuccess:
		return "circle-check"
	case ToneWarning:
		return "triangle-alert"
	case ToneDanger:
		return "circle-alert"
	}
	return "info"
}
