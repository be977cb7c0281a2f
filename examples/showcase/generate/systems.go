package main

import (
	"fmt"
	"strings"
)

// domain is a part of the business.
type domain struct {
	name, title, does string
	department        string
	systems           []system
}

// system is what one team builds. Beside its service, every one has a worker, a client library, an API, events, a database and a topic.
type system struct {
	name, title, does string
	language          string
	parts             []string // further components: "name type language: description"
	needs             []string // systems whose APIs its service uses
}

func domains() []domain {
	return []domain{
		{"intake", "Intake", "How parcels come to us: over the counter, from lockers, and by the thousand from shops.", "customers", []system{
			{"booking", "Booking", "Takes orders for parcels and promises when they arrive.", "go", []string{"parcels-website website typescript: Where people send and follow parcels."}, []string{"pricing", "addresses", "payments"}},
			{"lockers", "Lockers", "Opens the right door for the right parcel, at night and in the rain.", "rust", []string{"locker-firmware firmware rust: What runs behind the yellow doors."}, []string{"booking", "notices"}},
			{"merchants", "Merchants", "Everything shops need to send by the thousand.", "java", []string{"business-website website typescript: Contracts, labels and invoices for shops.", "label-printer library kotlin: Labels that scanners can read even when they are wet."}, []string{"booking", "contracts"}},
		}},
		{"sorting", "Sorting", "Eleven halls in which every parcel finds its way within nine minutes.", "operations", []system{
			{"conveyor", "Conveyor", "Steers belts, tilts and chutes.", "rust", []string{"hall-display website typescript: What hangs above the belts."}, []string{"routing", "scanning"}},
			{"scanning", "Scanning", "Reads labels from six sides at two metres a second.", "cpp", []string{"label-reader service python: Reads what the cameras could not, with a model."}, []string{"tracking"}},
			{"weighing", "Weighing", "Weighs and measures, and tells who promised less.", "go", nil, []string{"scanning", "pricing"}},
			{"halls", "Halls", "Which hall has room tonight, and which has snow.", "kotlin", nil, []string{"forecast"}},
		}},
		{"transport", "Transport", "Lorries, trains and one aeroplane between the halls.", "operations", []system{
			{"routing", "Routing", "The way of each parcel, and a better one when something happens.", "go", []string{"route-explorer website typescript: Why a parcel went where it went."}, []string{"halls", "traffic"}},
			{"fleet", "Fleet", "Vehicles, their drivers' hours and their next inspection.", "java", []string{"cab-app mobile-app kotlin: What drivers see in the cab."}, []string{"people-directory"}},
			{"traffic", "Traffic", "What the roads are like in ten minutes, in an hour and on Friday.", "python", nil, nil},
			{"customs", "Customs", "Papers for parcels that cross a border.", "java", nil, []string{"contracts", "tracking"}},
		}},
		{"delivery", "Delivery", "The last mile, with four thousand couriers on foot, wheels and one boat.", "operations", []system{
			{"rounds", "Rounds", "Which courier brings what, in which order.", "go", []string{"courier-app mobile-app kotlin: The couriers' companion: next door, photograph, signature."}, []string{"routing", "addresses"}},
			{"proof", "Proof of delivery", "Photographs, signatures, and who the neighbour was.", "go", nil, []string{"tracking", "archive"}},
			{"returns", "Returns", "The way back, which is longer than one would think.", "kotlin", nil, []string{"booking", "merchants"}},
		}},
		{"visibility", "Visibility", "Where is my parcel?", "customers", []system{
			{"tracking", "Tracking", "Every scan of every parcel, for those who may know.", "go", []string{"follow-widget library typescript: The tracking box that shops put on their pages."}, []string{"archive"}},
			{"notices", "Notices", "Tells people, once and not at night.", "typescript", nil, []string{"tracking", "people-directory"}},
			{"help", "Help desk", "For everything a status cannot explain.", "typescript", []string{"desk website typescript: All about a parcel on one page, for who answers the telephone."}, []string{"tracking", "booking"}},
			{"addresses", "Addresses", "Turns what people write into a door.", "rust", nil, nil},
		}},
		{"money", "Money", "What it costs, who pays, and who has.", "finance", []system{
			{"pricing", "Pricing", "Weight times distance, with eighty-one exceptions.", "kotlin", nil, []string{"contracts"}},
			{"payments", "Payments", "Cards, accounts, and coins at the counter.", "java", nil, []string{"ledger"}},
			{"invoices", "Invoices", "One invoice a month for each shop, correct at the first try.", "java", nil, []string{"ledger", "contracts"}},
			{"ledger", "Ledger", "Every cent twice.", "java", nil, nil},
			{"contracts", "Contracts", "What we have promised to whom.", "typescript", nil, nil},
		}},
		{"platform", "Platform", "What all others stand on.", "technology", []system{
			{"runtime", "Runtime", "Clusters, deployments, and the button that takes one back.", "go", []string{"deploy-action library go: The step of a pipeline that deploys."}, []string{"people-directory"}},
			{"observability", "Observability", "Metrics, logs and traces in one place, for thirty days.", "go", []string{"telemetry-kit library go: Five lines that make a service visible."}, nil},
			{"people-directory", "People directory", "Who is who, and who may do what.", "go", []string{"jobs-website website typescript: Come and work with us."}, nil},
			{"archive", "Archive", "Keeps for ten years what must be kept, and nothing else.", "python", nil, nil},
		}},
		{"insight", "Insight", "What the parcels tell us.", "technology", []system{
			{"forecast", "Forecast", "How many parcels tomorrow, and where.", "python", []string{"forecast-notebooks documentation python: How the forecast is made, to be run."}, []string{"warehouse"}},
			{"warehouse", "Data warehouse", "Yesterday, for analysts.", "python", []string{"report-builder service python: Reports that arrive on Mondays."}, []string{"tracking", "ledger"}},
		}},
	}
}

func (d domain) document() string {
	documents := []string{document("Domain", d.name, d.title, d.does, nil, []string{"owner: " + d.department})}
	for i, s := range d.systems {
		documents = append(documents, s.documents(d, i)...)
	}
	return descriptors(documents)
}

func (s system) documents(d domain, i int) []string {
	team := s.team()
	belongs := func(kind, lifecycle string) []string {
		return []string{"type: " + kind, "lifecycle: " + lifecycle, "owner: " + team, "system: " + s.name}
	}
	lifecycle := []string{"production", "production", "production", "experimental"}[i%4]
	uses := ""
	if len(s.needs) > 0 {
		uses = "consumesApis: [" + strings.Join(s.needs, ", ") + "]"
	}
	store := []string{"postgresql", "postgresql", "redis"}[(i+len(s.name))%3]
	all := []string{
		document("System", s.name, s.title, s.does, nil, []string{"owner: " + team, "domain: " + d.name}),
		document("Component", s.name+"-service", "", s.does,
			append(d.about(s.name+"-service", "service", s.language), "labels: {kestrel.example/tier: \"1\"}"),
			append(belongs("service", lifecycle), "providesApis: ["+s.name+", "+s.name+"-events]", uses, "dependsOn: ['resource:"+s.name+"-"+store+"', 'resource:"+s.name+"-topic']")),
		document("Component", s.name+"-worker", "", "What "+s.title+" does later: retries, timers, and the nightly tidying up.",
			d.about(s.name+"-worker", "worker", s.language), append(belongs("service", lifecycle), "subcomponentOf: "+s.name+"-service", "dependsOn: ['resource:"+s.name+"-topic']")),
		document("Component", s.name+"-client", "", "Calls "+s.title+" with retries, deadlines and the right identity.",
			d.about(s.name+"-client", "library", "typescript"), append(belongs("library", lifecycle), "consumesApis: ["+s.name+"]")),
		document("API", s.name, s.title, s.does, []string{"tags: [rest]"}, append(belongs("openapi", lifecycle), s.openAPI()...)),
		document("API", s.name+"-events", s.title+" events", "What has happened in "+s.title+", as it happens.", []string{"tags: [kafka, cloudevents]"}, append(belongs("asyncapi", lifecycle), s.asyncAPI()...)),
		document("Resource", s.name+"-"+store, "", "The data of "+s.title+".", []string{"tags: [" + store + "]"}, []string{"type: database", "owner: " + team, "system: " + s.name}),
		document("Resource", s.name+"-topic", "", "The events of "+s.title+", kept for a week.", []string{"tags: [kafka]"}, []string{"type: topic", "owner: " + team, "system: " + s.name}),
	}
	for _, part := range s.parts {
		head, does, _ := strings.Cut(part, ": ")
		words := strings.Fields(head)
		all = append(all, document("Component", words[0], "", does, d.about(words[0], words[1], words[2]), append(belongs(words[1], "production"), "consumesApis: ["+s.name+"]")))
	}
	return all
}

// team is the name of the group that builds the system.
func (s system) team() string { return "team-" + s.name }

// about returns tags, annotations and links of a component.
func (d domain) about(name, kind, language string) []string {
	tags := []string{language}
	links := ""
	switch kind {
	case "service":
		tags = append(tags, "kubernetes")
		links = fmt.Sprintf("\n  - {url: 'https://dashboards.kestrel.example/%[1]s', title: Dashboard, icon: dashboard}\n  - {url: 'https://runbooks.kestrel.example/%[1]s', title: 'When it fails', icon: help}", name)
	case "website":
		tags = append(tags, "react")
	}
	lines := []string{"tags: [" + strings.Join(tags, ", ") + "]", "annotations:", "  github.com/project-slug: kestrel-parcels/" + name}
	if d.department == "customers" && (kind == "service" || kind == "website") { // the others have not moved there yet
		lines = append(lines, "  circleci.com/project-slug: gh/kestrel-parcels/"+name)
	}
	if website := websites()[name]; website != "" {
		lines = append(lines, "  lighthouse.com/website-url: "+website)
		links = "\n  - {url: '" + website + "', title: The website, icon: web}"
	}
	if links != "" {
		lines = append(lines, strings.Split("links:"+links, "\n")...)
	}
	return lines
}

// websites are those that the showcase serves.
func websites() map[string]string {
	const base = "http://localhost:7008/"
	return map[string]string{"parcels-website": base + "parcels/", "business-website": base + "business/", "jobs-website": base + "jobs/"}
}

func (s system) openAPI() []string {
	return strings.Split(fmt.Sprintf(`definition: |
  openapi: 3.1.0
  info: {title: %[2]s, version: 1.4.0, description: %[3]q}
  servers: [{url: 'https://api.kestrel.example/%[1]s'}]
  paths:
    /v1/%[1]s:
      get: {operationId: list, summary: All that the caller may see, responses: {'200': {description: A page of them}}}
      post: {operationId: create, summary: A new one, responses: {'201': {description: It is made}, '422': {description: What is wrong with it}}}
    /v1/%[1]s/{id}:
      get: {operationId: get, summary: One of them, responses: {'200': {description: It}, '404': {description: There is none}}}`, s.name, s.title, s.does), "\n")
}

func (s system) asyncAPI() []string {
	return strings.Split(fmt.Sprintf(`definition: |
  asyncapi: 3.0.0
  info: {title: %[2]s events, version: 1.0.0}
  channels:
    %[1]s.created: {messages: {created: {payload: {type: object, required: [id, at]}}}}
    %[1]s.changed: {messages: {changed: {payload: {type: object, required: [id, at]}}}}`, s.name, s.title), "\n")
}
