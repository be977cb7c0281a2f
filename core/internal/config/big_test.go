package config_test
import ("testing";"strings";"fmt";"time";"runtime"; "github.com/proscenium-dev/proscenium/core/internal/config")
func TestBig(t *testing.T){
 mk:=func(n int, f func(i int) string) string { var b strings.Builder; for i:=0; b.Len()<n; i++ {b.WriteString(f(i))}; return b.String()}
 const N=8<<20-100
 for name,c:=range map[string]string{
  "keys": "backend:\n"+mk(N-50, func(i int)string{return fmt.Sprintf("  k%d: 1\n",i)}),
  "list": "catalog: {locations: ["+mk(N-100, func(i int)string{return "1,"})+"1]}",
  "dups": "backend:\n"+mk(N-50, func(i int)string{return "  k: 1\n"}),
  "dash": "catalog:\n"+mk(N-50, func(i int)string{return "  -\n"}),
  "vars": "app: {title: \""+mk(N-50, func(i int)string{return "${A}"})+"\"}",
  "unset": "app: {title: \""+mk(N-50, func(i int)string{return "${B}"})+"\"}",
  "digits": "backend: {baseUrl: "+mk(N-50, func(i int)string{return "1"})+"}",
  "anchors": "backend:\n"+mk(N-50, func(i int)string{return fmt.Sprintf("  k%d: &a%d 1\n",i,i)}),
  "longkey": "backend: {\""+mk(N-50, func(i int)string{return "k"})+"\": 1}",
  "flowmaps": "proxy: {endpoints: {"+mk(N-50, func(i int)string{return fmt.Sprintf("k%d: {target: [x]},",i)})+"}}",
  "quotes": mk(N-50, func(i int)string{return "'"}),
  "colon": mk(N-50, func(i int)string{return "a:"}),
  "question": mk(N-50, func(i int)string{return "? "}),
  "comments": mk(N-50, func(i int)string{return "#\n"})+"a: 1",
  "flowopen": mk(5000, func(i int)string{return "{a: ["}),
 }{
  dir:=folder(t, files{"app-config.yaml":c})
  var m runtime.MemStats
  runtime.GC(); runtime.ReadMemStats(&m); a:=m.TotalAlloc
  s0:=time.Now()
  s,err:=config.Load(config.Options{Dir:dir, Environ:[]string{"A=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}})
  d1:=time.Since(s0)
  if err==nil { err=stockSchema().Check(s).Err() }
  d2:=time.Since(s0)
  runtime.ReadMemStats(&m)
  msg:=message(err,dir)
  fmt.Printf("%-10s load %v all %v alloc %dMB msglen %d  %.150q\n", name, d1, d2, (m.TotalAlloc-a)>>20, len(msg), msg)
 }
}
