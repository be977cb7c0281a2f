package ui

// or returns text, or other when text is empty.
func or(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

// hrefOr returns the address if it is safe and other if not, for places that must be a link.
func hrefOr(raw, other string) string {
	if address, ok := SafeURL(raw); ok {
		return address
	}
	return other
}
