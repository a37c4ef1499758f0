import { compile, allocate } from '../src/engine/compile.ts';
import { trainStep, decodeStep, policyLayout } from '../src/models/policy.ts';
import { biasCorrections } from '../src/models/optimizer.ts';
const size=process.argv[2]||'S'; const backend=(process.argv[3]||'onnx:cpu') as any; const steps=+(process.argv[4]||30);
const CF:any={S:{layers:4,heads:4,kvHeads:4,width:128,hidden:344,context:128,batch:16,vocabulary:1024},M:{layers:6,heads:6,kvHeads:6,width:384,hidden:1024,context:256,batch:8,vocabulary:2048},T:{layers:4,heads:4,kvHeads:4,width:128,hidden:344,context:192,batch:16,vocabulary:1024},G:{layers:2,heads:4,kvHeads:2,width:32,hidden:64,context:32,batch:4,vocabulary:100}};
const shape=CF[size]; const layout=policyLayout(shape);
const {step,spec}=trainStep(shape);
let t0=performance.now();
const prog=await compile({backend,threads:2,...(process.env.PROF?{profile:process.env.PROF}:{}),...(process.env.BIND?{binding:'node'}:{})} as any,step,spec);
console.log('params',layout.size,'nodes',prog.nodes,'compile ms',(performance.now()-t0).toFixed(0));
const w=layout.initialise(1);
const v:any={weights:w,first:new Float32Array(layout.size),second:new Float32Array(layout.size),average:w.slice()};
const b=prog.bind(v); const N=shape.batch*shape.context; const I:any=b.inputs;
I.likelihood.fill(1/N);I.clipLow[0]=.8;I.clipHigh[0]=1.25;I.averageDecay[0]=.97;
const times:number[]=[];
for(let s=0;s<steps;s++){
 for(let r=0;r<shape.batch;r++){const k=(s*31+r*7)%50;for(let t=0;t<shape.context;t++){I.ids[r*shape.context+t]=(k*7+t*3)%97;I.targets[r*shape.context+t]=(k*7+(t+1)*3)%97;I.segments[r*shape.context+t]=t<40?0:1}}
 const c=biasCorrections(s);I.firstCorrection[0]=c.first;I.secondCorrection[0]=c.second;I.learningRate[0]=1e-3;
 const t=performance.now();await b.run();times.push(performance.now()-t);
 if(s%10===0||s===steps-1||steps<25)console.log(s,(b.outputs as any).loss[0].toFixed(6),(b.outputs as any).gradNorm[0].toFixed(4),times.at(-1)!.toFixed(1));
}
times.sort((a,b)=>a-b);const md=times[times.length>>1]!;
console.log(size,backend,'median ms',md.toFixed(1),'tok/s',(N/md*1000).toFixed(0),'best',(N/times[0]!*1000).toFixed(0),'GF/s',(6*layout.size*N/md/1e6).toFixed(0),'rss',(process.memoryUsage().rss/1e6).toFixed(0));
b.release();prog.release();
