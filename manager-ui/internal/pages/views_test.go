package pages_test

import (
	"testing"

	"countersign.example/pkg/locale"
	"countersign.example/pkg/rights"
)

// forManagers, forAdmins and forAuditors are what those are sent of what is pushed.
func forManagers(html string) string {
	return rights.Held("decide discount end export hold keep look own").Write(locale.English.Write(html))
}

func forAdmins(html string) string {
	return rights.Held("admit audit look own people").Write(locale.English.Write(html))
}

func forAuditors(html string) string {
	return rights.Held("export look own").Write(locale.English.Write(html))
}

func TestAViewOfPaymentsIsOnesOwn(t *testing.T) {
	o := open(t, nowhere)
	mia, tom := o.manager("mia-weber"), o.manager("tom-berg")
	o.receive(requested(ada, 100_00, "Beams", 0), requested(jon, 200_00, "Cable", 1))
	link := `<a href="/payments?contractor=jon-park&amp;sort=-amount&amp;tab=all"`
	mia.post("/payments/views?tab=all&contractor=jon-park&sort=-amount&before=&evil=1", "view", "Jon’s").
		is(200, "This view is saved as “Jon’s”.", link+` aria-current="true"><bdi>Jon’s</bdi></a>`, "Of Jon Park", "Cable").without("Beams", "evil")
	mia.get("/payments").is(200, link+"><bdi>Jon’s</bdi></a>", `action="/payments/views/delete"`)
	tom.get("/payments").is(200).without("Jon’s")
	tom.post("/payments/views/delete", "view", "Jon’s").is(200)
	mia.get("/payments?tab=all").is(200, "<bdi>Jon’s</bdi>")
	mia.post("/payments/views?tab=rejected", "view", "jon’s").is(422, "You have a view “Jon’s” already.", `class="views" open>`, `value="jon’s"`)
	mia.post("/payments/views?tab=nosuch", "view", "No").is(404)
	mia.post("/payments/views/delete?tab=rejected", "view", "Jon’s").is(200, "The view “Jon’s” is deleted.").without("<bdi>Jon’s</bdi>")
}
