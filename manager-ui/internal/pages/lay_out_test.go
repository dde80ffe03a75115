package pages_test

import (
	"net/http"
	"strings"
	"testing"

	kafkago "github.com/segmentio/kafka-go"
)

func TestWhatIsNestedDeeplyIsNotLaidOutInFull(t *testing.T) {
	const depth = 5000
	deep := strings.Repeat("[", depth) + strings.Repeat("1,", 2000) + "12345678901234567890" + strings.Repeat("]", depth)
	o := withTopic(t, kafkago.Message{Value: []byte(deep)}, kafkago.Message{Value: []byte(`{"exact":12345678901234567890,"as":"\u00e9"}`)})
	iris := o.manager("iris-hahn")
	page := iris.get("/topics/payments/0/0").is(http.StatusOK, "it has 14,020 bytes, but is nested deeply")
	if len(page.text) > 200<<10 {
		t.Errorf("a message of %d bytes makes a page of %d", len(deep), len(page.text))
	}
	if got := iris.get("/topics/payments/0/0/data"); got.text != deep {
		t.Error("the download has not all of it")
	}
	iris.get("/topics/payments/0/1").is(http.StatusOK, "{\n  &#34;exact&#34;: 12345678901234567890,\n  &#34;as&#34;: &#34;\\u00e9&#34;\n}")
}
