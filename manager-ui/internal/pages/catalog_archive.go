package pages

import "countersign.example/pkg/web"

// archivePage asks whether a product or a customer is really to be archived.
type archivePage struct {
	formState
	List             web.Link
	Href, Name, Noun string
	Means            string
}

var archiveView = web.NewView[archivePage]("archive")
